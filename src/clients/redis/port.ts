import type { KeyferryError } from '../../core/errors.ts';

/**
 * What Keyferry needs of a Redis client. Replies are raw: Buffers for bulk and simple strings, numbers, null,
 * arrays. Commands fail at once while the connection is away (KF_REDIS_UNAVAILABLE): whoever calls decides what
 * waits. The connection itself comes back by itself, with backoff.
 */
export type RedisReply = Buffer | number | null | readonly RedisReply[];
export type RedisArgument = string | Buffer | number;
export type RedisCommand = readonly [name: string, ...args: RedisArgument[]];

/** What a script handles key by key. ARGV: `args`, then what `ownArgs` has for each of the keys, in their order. */
export interface ScriptKeys {
  readonly keys: readonly Buffer[];
  readonly args: readonly RedisArgument[];
  readonly ownArgs?: readonly (readonly RedisArgument[])[] | undefined;
}

export interface RedisScript {
  readonly lua: string;
  /** true: run by EVALSHA_RO, so that a read-only user and a replica may run it. */
  readonly readOnly: boolean;
}

/**
 * A connection to a server, or to all masters of a cluster alike: there a command goes to the master that has its keys,
 * and follows them where slots move. One without a key goes to any master, one whose keys are of several slots is
 * refused by Redis (CROSSSLOT).
 */
export interface RedisConnection {
  call(name: string, ...args: RedisArgument[]): Promise<RedisReply>;
  /**
   * One write to each server concerned, one reply each, errors in their places. Not atomic; what concerns one key runs
   * in its order. In a cluster MULTI ... EXEC goes as a whole to the master of the first key in it, and a command without
   * a key goes where the next one with a key goes.
   */
  pipeline(commands: readonly RedisCommand[]): Promise<readonly (RedisReply | Error)[]>;
  /** Runs a script by its digest, loading it where the server does not know it. Its keys are of one slot. */
  script(script: RedisScript, keys: readonly Buffer[], args: readonly RedisArgument[]): Promise<RedisReply>;
  /**
   * Runs a script that answers with an array, an element for each of KEYS, on keys of any slots. In a cluster it runs
   * once on each master concerned, on the keys that are there: it is atomic for each key, not for all, and while slots
   * move it may run on a key twice. Never rejects.
   * @returns the elements in the order of the keys; errors in the places of the keys whose call failed.
   */
  scriptEach(script: RedisScript, on: ScriptKeys): Promise<readonly (RedisReply | Error)[]>;
  /** host:port of the server that commands on the key go to; undefined where none is known to have it. */
  serverOf(key: Buffer): string | undefined;
  /**
   * Resolves once commands can be sent. Rejects with why they cannot when the attempt to connect fails (the next one
   * follows by itself), when `signal` aborts or when the connection is closed.
   * @throws KF_REDIS_UNAVAILABLE, KF_REDIS_AUTH, KF_REDIS_PERMISSION, KF_REDIS_REFUSED
   */
  ready(signal?: AbortSignal): Promise<void>;
  readonly isReady: boolean;
  /** Waits for commands under way, a few seconds at most, then closes. */
  close(): Promise<void>;
}

/** One subscriber connection. It does not come back by itself: a lost one is a gap, and its owner opens a new one. */
export interface RedisSubscription {
  /** Resolves, never rejects, with the reason when the connection has gone. */
  readonly lost: Promise<string>;
  /** false: this server or user refuses CLIENT TRACKING, so nobody tells of FLUSHALL and FLUSHDB. */
  readonly flushWatch: boolean;
  close(): void;
}

export interface SubscriptionHandler {
  /** `channel` and `message` as they came; for `__keyevent@<db>__:<event>` the message is the key. */
  onMessage(channel: Buffer, message: Buffer): void;
  /** FLUSHALL or FLUSHDB ran, in any database. */
  onFlush(): void;
}

/** Hash slots from `first` to `last`, both included. */
export interface SlotRange {
  readonly first: number;
  readonly last: number;
}

/** A server that takes writes. */
export interface RedisMaster {
  /** Names the server for as long as it lives: the node's id in a cluster, elsewhere host:port. */
  readonly id: string;
  readonly host: string;
  readonly port: number;
  /** Ascending. All slots where there is no cluster; none for a master that waits for slots to be moved to it. */
  readonly slots: readonly SlotRange[];
}

/**
 * The masters of a deployment: one that has all slots where there is no cluster. A replica that took over is another
 * master, with the same slots. What a server tells that was left behind in a partition does not count: epochs tell.
 */
export interface RedisTopology {
  /** As last seen; empty before the first sight, and while the only master is known to be none. */
  readonly masters: readonly RedisMaster[];
  /** Why the last look saw nothing; `masters` are those of one before it then. */
  readonly failure: KeyferryError | undefined;
  /** Calls with the masters after each change, until the returned function is called. */
  onChange(listener: (masters: readonly RedisMaster[]) => void): () => void;
  /**
   * Resolves once the masters have been seen.
   * @throws KF_REDIS_UNAVAILABLE, KF_REDIS_AUTH, KF_REDIS_PERMISSION: why they have not; it goes on looking.
   */
  ready(signal?: AbortSignal): Promise<void>;
  /** Something hints at a change: looks now, not only at the next interval. */
  refresh(): void;
  close(): void;
}

export interface ConnectOptions {
  readonly db: number;
  /** Of the connection, in CLIENT LIST. */
  readonly name: string;
  /**
   * Carries what others ask for: their reads count as use of a key, and integers arrive as text, digit for digit, because
   * a number does not hold all 64 bits.
   */
  readonly forOthers?: boolean | undefined;
}

/**
 * Where there is no cluster, `connect` and `connectNode` of the only master are the same, and so are the subscriptions.
 * Behind sentinels both lead to the master of the moment, and are hung up as soon as it is none.
 */
export interface RedisClient {
  /** The keys of one command or script must be of one slot. */
  readonly isCluster: boolean;
  /** A command connection on one database, to the whole deployment. Does not wait for the server. */
  connect(options: ConnectOptions): RedisConnection;
  /**
   * Connects to the only master, subscribes to the patterns and to flush messages; resolves when both stand.
   * @throws KF_REDIS_UNAVAILABLE, KF_REDIS_AUTH, KF_REDIS_PERMISSION, KF_REDIS_REFUSED: also for a cluster, where each
   *     master tells of its own keys only.
   */
  subscribe(patterns: readonly string[], handler: SubscriptionHandler): Promise<RedisSubscription>;
  /** Looks after the masters until it is closed. */
  topology(): RedisTopology;
  /** A command connection to one master, which goes nowhere else. It is away (KF_REDIS_UNAVAILABLE) while that is none. */
  connectNode(master: RedisMaster, options: ConnectOptions): RedisConnection;
  /** As `subscribe`, to one master. Lost as soon as it is none. */
  subscribeNode(
    master: RedisMaster,
    patterns: readonly string[],
    handler: SubscriptionHandler,
  ): Promise<RedisSubscription>;
}
