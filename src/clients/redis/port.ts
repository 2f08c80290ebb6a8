/**
 * What Keyferry needs of a Redis client. Replies are raw: Buffers for bulk and simple strings, numbers, null,
 * arrays. Commands fail at once while the connection is away (KF_REDIS_UNAVAILABLE): whoever calls decides what
 * waits. The connection itself comes back by itself, with backoff.
 */
export type RedisReply = Buffer | number | null | readonly RedisReply[];
export type RedisArgument = string | Buffer | number;
export type RedisCommand = readonly [name: string, ...args: RedisArgument[]];

export interface RedisScript {
  readonly lua: string;
  /** true: run by EVALSHA_RO, so that a read-only user and a replica may run it. */
  readonly readOnly: boolean;
}

export interface RedisConnection {
  call(name: string, ...args: RedisArgument[]): Promise<RedisReply>;
  /** One write, one reply each, errors in their places. Not atomic. */
  pipeline(commands: readonly RedisCommand[]): Promise<readonly (RedisReply | Error)[]>;
  /** Runs a script by its digest, loading it where the server does not know it. */
  script(script: RedisScript, keys: readonly Buffer[], args: readonly RedisArgument[]): Promise<RedisReply>;
  /**
   * Resolves once commands can be sent. Rejects with why they cannot when the attempt to connect fails (the next one
   * follows by itself), when `signal` aborts or when the connection is closed.
   * @throws KF_REDIS_UNAVAILABLE, KF_REDIS_AUTH, KF_REDIS_PERMISSION, KF_REDIS_REFUSED
   */
  ready(signal?: AbortSignal): Promise<void>;
  readonly isReady: boolean;
  /** Waits for commands under way, then closes. */
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

export interface RedisClient {
  /** A command connection on one database. Does not wait for the server. */
  connect(options: { readonly db: number; readonly name: string }): RedisConnection;
  /** Connects, subscribes to the patterns and to flush messages; resolves when both stand. */
  subscribe(patterns: readonly string[], handler: SubscriptionHandler): Promise<RedisSubscription>;
}
