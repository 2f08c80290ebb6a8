import type { KafkaDriver } from '../clients/kafka/port.ts';
import type { RedisClient, RedisConnection } from '../clients/redis/port.ts';
import type { Clock } from '../core/clock.ts';
import type { KeyferryError } from '../core/errors.ts';
import type { KeyName } from '../core/key-name.ts';
import type { Logger } from '../core/log.ts';
import { PauseSwitch } from '../core/pause-switch.ts';
import type { ChangeWatch } from '../core/passed-change.ts';
import type { FollowedKeys } from '../core/place.ts';
import { retry } from '../core/retry.ts';
import type { TraceContext, Tracer } from '../core/tracer.ts';
import type { SourceMetrics } from '../observability/metrics.ts';
import type { Notes } from '../state-store/notes.ts';
import type { PublishedStates } from '../state-store/published-states.ts';
import { type ServerStatus, admitServer } from './feeds/fit-server.ts';
import { watch } from './feeds/watch.ts';
import type { Keyspace, KeyspaceStatus } from './keyspace.ts';
import { type MasterStatus, Masters } from './masters.ts';
import { type KeyspaceSourceOptions, openKeyspace } from './open-keyspace.ts';
import { keyFilter } from './publish/key-filter.ts';
import { SourceTopics } from './publish/topics.ts';
import { RememberedOrigin } from './remembered-origin.ts';
import { type Snapshot, type SnapshotStatus, Snapshots } from './snapshots.ts';

export interface KeyspaceSourceNeeds {
  readonly redis: RedisClient;
  readonly kafka: KafkaDriver;
  /** The store's part for `source/db`. */
  readonly published: (name: string) => PublishedStates;
  readonly notes: Notes;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SourceMetrics;
  /** Told of what Kafka has; undefined: nobody ever looks. */
  readonly watch?: ChangeWatch | undefined;
  /** undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  readonly randomId: () => string;
}

export interface KeyspaceSourceStatus {
  readonly name: string;
  readonly type: 'keyspace';
  readonly state: 'starting' | 'catching-up' | 'running' | 'stopped';
  /** undefined before it has answered. */
  readonly server: ServerStatus | undefined;
  /** Down where that of one master is. */
  readonly feed: 'up' | 'down';
  readonly masters: readonly MasterStatus[];
  /** Records of the topic read at the start, to learn what was published. */
  readonly recordsCaughtUp: number;
  readonly paused: boolean;
  /** The one that is under way, or the last one since the start; null: there was none. */
  readonly snapshot: SnapshotStatus | null;
  readonly databases: readonly KeyspaceStatus[];
}

/**
 * Keys' latest states, from Redis to Kafka: the feed of each master touches keys, each database's keyspace converges them
 * (pending -> read -> changed? -> publish -> remember), watches look for what no notification tells.
 */
export class KeyspaceSource {
  /** While it is paused, changes are taken note of and nothing is published. */
  readonly pause = new PauseSwitch();
  readonly #options: KeyspaceSourceOptions;
  readonly #needs: KeyspaceSourceNeeds;
  readonly #accepts: (key: KeyName) => boolean;
  readonly #keyspaces = new Map<number, Keyspace>();
  readonly #snapshots: Snapshots;
  readonly #origin: RememberedOrigin;
  readonly #closing: { close(): Promise<void> }[] = [];
  #state: KeyspaceSourceStatus['state'] = 'starting';
  #waitingFor: string | undefined = 'starting';
  #server: ServerStatus | undefined;
  #masters: Masters | undefined;
  #recordsCaughtUp = 0;

  constructor(options: KeyspaceSourceOptions, needs: KeyspaceSourceNeeds) {
    this.#options = options;
    this.#needs = needs;
    this.#accepts = keyFilter(options.include, options.exclude);
    this.#origin = new RememberedOrigin(needs);
    this.#snapshots = new Snapshots({
      ...needs,
      source: options.name,
      parts: (id) => [...this.#keyspaces.values()].flatMap((keyspace) => keyspace.snapshotParts(id)),
      onWanted: () => {
        for (const keyspace of this.#keyspaces.values()) keyspace.snapshotWanted();
      },
    });
    needs.metrics.pendingKeys(() => this.#sum((keyspace) => keyspace.keysPending));
    const fullest = (): number => Math.max(0, ...[...this.#keyspaces.values()].map(({ bytesPending }) => bytesPending));
    needs.metrics.pendingBytes(fullest, options.maxPendingBytes);
    needs.metrics.behind(() => this.#behindSeconds);
    needs.metrics.openGaps(() => this.#sum((keyspace) => keyspace.gapsOpen));
  }

  /**
   * Mirrors until the signal; then publishes what is in flight, for as long as `drain` allows.
   * @throws what does not pass by itself: KF_REDIS_AUTH, KF_REDIS_PERMISSION, KF_REDIS_NOTIFICATIONS_OFF,
   *     KF_REDIS_NO_NOTIFICATIONS, KF_KAFKA_REFUSED...
   */
  async run(signal: AbortSignal, drain: AbortSignal): Promise<void> {
    const failed = new AbortController();
    const stop = AbortSignal.any([signal, failed.signal]);
    try {
      const [first = 0] = this.#options.databases;
      const control = this.#connect(this.#needs.redis, first, 'watch');
      const origin = await this.#openKeyspaces(control, stop);
      if (origin === undefined) return;
      this.#masters = new Masters({ ...this.#options, ...this.#needs, keyspaces: this.#keyspaces }, stop);
      this.#state = 'running';
      this.#waitingFor = undefined;
      const converging = [...this.#keyspaces.values()].map((keyspace) => keyspace.run(drain));
      await Promise.all([this.#masters.run(), this.#watch(control, origin, stop), ...converging]);
    } finally {
      failed.abort();
      this.#state = 'stopped';
      await Promise.allSettled(this.#closing.map((each) => each.close()));
    }
  }

  get name(): string {
    return this.#options.name;
  }

  /** As Snapshots.request. */
  snapshot(match: string | null): Promise<Snapshot> {
    return this.#snapshots.request(match);
  }

  /** Keys of a database are about to be written through Keyferry, within a trace; `written` follows. */
  writing(db: number, keys: readonly KeyName[], trace: TraceContext): void {
    const keyspace = this.#keyspaces.get(db);
    for (const key of keys) if (keyspace?.accepts(key) === true) keyspace.writing(key, trace);
  }

  /** Keys of a database were written through Keyferry: those that this source carries are seen at once. */
  written(db: number, keys: readonly KeyName[], trace?: TraceContext): void {
    const keyspace = this.#keyspaces.get(db);
    for (const key of keys) if (keyspace?.accepts(key) === true) keyspace.written(key, trace);
  }

  /** Whether it carries the key, be it running or not. */
  carries(db: number, key: KeyName): boolean {
    return this.#options.databases.includes(db) && this.#accepts(key);
  }

  /**
   * Follows keys that it carries to their places on the topic.
   * @returns undefined where it does not mirror just now.
   */
  follow(db: number, keys: readonly KeyName[]): FollowedKeys | undefined {
    return this.#state === 'running' && !this.pause.isPaused ? this.#keyspaces.get(db)?.follow(keys) : undefined;
  }

  /** Why this source does not deliver just now; empty where it does. */
  health(): readonly string[] {
    const named = (reason: string): string => `source ${this.#options.name}: ${reason}`;
    if (this.#waitingFor !== undefined) return [named(this.#waitingFor)];
    const down = this.#masters?.status().filter(({ feed }) => feed === 'down') ?? [];
    const failures = [...this.#keyspaces.values()].flatMap(({ publishFailure }) => publishFailure ?? []);
    return [
      ...down.map(({ address }) => named(`the notification feed of Redis at ${address} is down`)),
      ...failures.map((failure) => named(`Kafka does not take records: ${failure.message}`)),
    ];
  }

  status(): KeyspaceSourceStatus {
    const masters = this.#masters?.status() ?? [];
    return {
      name: this.#options.name,
      type: 'keyspace',
      state: this.#state,
      server: this.#server,
      feed: masters.length > 0 && masters.every(({ feed }) => feed === 'up') ? 'up' : 'down',
      masters,
      recordsCaughtUp: this.#recordsCaughtUp,
      paused: this.pause.isPaused,
      snapshot: this.#snapshots.status ?? null,
      databases: [...this.#keyspaces.values()].map((keyspace) => keyspace.status()),
    };
  }

  /** @returns the id of the deployment; undefined where the signal came first. */
  async #openKeyspaces(control: RedisConnection, signal: AbortSignal): Promise<string | undefined> {
    const { databases, partitions } = this.#options;
    const { redis, kafka, logger } = this.#needs;
    const origin = await this.#patiently(signal, async () => {
      await control.ready(signal);
      this.#server ??= await admitServer(control, logger);
      return this.#origin.open(control);
    });
    if (origin === undefined) return undefined;
    const admin = kafka.admin();
    this.#closing.push(admin);
    const tools = {
      ...this.#needs,
      admin,
      topics: new SourceTopics({ admin, partitions, logger }),
      isCluster: redis.isCluster,
      origin,
      pause: this.pause,
      snapshots: this.#snapshots,
      signal,
      onCaughtUp: (records: number) => {
        this.#recordsCaughtUp = records;
      },
    };
    this.#state = 'catching-up';
    for (const db of databases) {
      const database = { db, reading: this.#connect(redis, db, 'read') };
      const keyspace = await this.#patiently(signal, () => openKeyspace(database, this.#options, tools));
      if (keyspace === undefined) return undefined;
      logger.info({ db, records: this.#recordsCaughtUp }, 'the store holds what the topic holds');
      this.#keyspaces.set(db, keyspace);
    }
    return origin;
  }

  /** What concerns all masters together. */
  #watch(control: RedisConnection, origin: string, signal: AbortSignal): Promise<void> {
    return watch({
      ...this.#needs,
      everyMs: this.#options.canaryEveryMs,
      signal,
      isFeedUp: () => control.isReady,
      looks: [
        () => this.#origin.look(control, origin),
        () => {
          for (const keyspace of this.#keyspaces.values()) keyspace.look();
          return Promise.resolve();
        },
      ],
    });
  }

  #connect(redis: RedisClient, db: number, role: string): RedisConnection {
    const connection = redis.connect({ db, name: `${this.#options.name}:${role}` });
    this.#closing.push(connection);
    return connection;
  }

  /** Tries until Redis and Kafka are there, and says what it waits for. */
  #patiently<T>(signal: AbortSignal, action: () => Promise<T>): Promise<T | undefined> {
    const { clock, logger } = this.#needs;
    const onFailure = (error: KeyferryError, retryMs: number): void => {
      if (this.#waitingFor !== error.message)
        logger.warn({ code: error.code, reason: error.message, retryMs }, 'waiting');
      if (retryMs >= 400) this.#waitingFor = error.message;
    };
    return retry(action, { clock, signal, onFailure });
  }

  get #behindSeconds(): number {
    const now = this.#needs.clock.now();
    const waits = [...this.#keyspaces.values()].map(({ oldestChangeAt }) => now - (oldestChangeAt ?? now));
    return Math.max(0, ...waits) / 1000;
  }

  #sum(of: (keyspace: Keyspace) => number): number {
    return [...this.#keyspaces.values()].reduce((sum, keyspace) => sum + of(keyspace), 0);
  }
}
