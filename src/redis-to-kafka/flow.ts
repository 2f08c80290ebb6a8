import type { KafkaDriver } from '../clients/kafka/port.ts';
import { ensureOrigin } from '../clients/redis/origin.ts';
import type { RedisClient, RedisConnection } from '../clients/redis/port.ts';
import type { Clock } from '../core/clock.ts';
import type { KeyferryError } from '../core/errors.ts';
import type { GapCause } from '../core/gap.ts';
import type { Logger } from '../core/log.ts';
import { retry } from '../core/retry.ts';
import type { SourceMetrics } from '../observability/metrics.ts';
import type { PublishedStates } from '../state-store/published-states.ts';
import { DatasetWatch } from './feeds/dataset-watch.ts';
import { NotificationFeed } from './feeds/notification-feed.ts';
import { ensureNotifications } from './feeds/notification-flags.ts';
import { watch } from './feeds/watch.ts';
import type { Keyspace, KeyspaceStatus } from './keyspace.ts';
import { type KeyspaceSourceOptions, openKeyspace } from './open-keyspace.ts';
import { SourceTopics } from './publish/topics.ts';

export interface KeyspaceSourceNeeds {
  readonly redis: RedisClient;
  readonly kafka: KafkaDriver;
  /** The store's part for `source/db`. */
  readonly published: (name: string) => PublishedStates;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SourceMetrics;
  /** One send to Kafka took so long. */
  readonly onSent: (seconds: number) => void;
  readonly randomId: () => string;
}

export interface KeyspaceSourceStatus {
  readonly name: string;
  readonly type: 'keyspace';
  readonly state: 'starting' | 'catching-up' | 'running' | 'stopped';
  readonly feed: 'up' | 'down';
  /** Records of the topic read at the start, to learn what was published. */
  readonly recordsCaughtUp: number;
  readonly databases: readonly KeyspaceStatus[];
}

/** The server that is watched. */
interface OpenedRedis {
  readonly control: RedisConnection;
  /** Id of the deployment. */
  readonly origin: string;
}

/**
 * Keys' latest states, from Redis to Kafka: the feed touches keys, each database's keyspace converges them
 * (pending -> read -> changed? -> publish -> remember), the watch looks for what no notification tells.
 */
export class KeyspaceSource {
  readonly #options: KeyspaceSourceOptions;
  readonly #needs: KeyspaceSourceNeeds;
  readonly #keyspaces = new Map<number, Keyspace>();
  readonly #closing: { close(): Promise<void> }[] = [];
  #state: KeyspaceSourceStatus['state'] = 'starting';
  #waitingFor: string | undefined = 'starting';
  #feed: NotificationFeed | undefined;
  #recordsCaughtUp = 0;

  constructor(options: KeyspaceSourceOptions, needs: KeyspaceSourceNeeds) {
    this.#options = options;
    this.#needs = needs;
    needs.metrics.pendingKeys(() => this.#sum((keyspace) => keyspace.keysPending));
    needs.metrics.openGaps(() => this.#sum((keyspace) => keyspace.gapsOpen));
  }

  /**
   * Mirrors until the signal; then publishes what is in flight, for as long as `drain` allows.
   * @throws what does not pass by itself: KF_REDIS_AUTH, KF_REDIS_PERMISSION, KF_REDIS_NOTIFICATIONS_OFF, KF_KAFKA_REFUSED...
   */
  async run(signal: AbortSignal, drain: AbortSignal): Promise<void> {
    const failed = new AbortController();
    const stop = AbortSignal.any([signal, failed.signal]);
    try {
      const opened = await this.#openKeyspaces(stop);
      if (opened === undefined) return;
      const feed = this.#openFeed(opened, stop);
      this.#state = 'running';
      this.#waitingFor = undefined;
      const converging = [...this.#keyspaces.values()].map((keyspace) => keyspace.run(drain));
      await Promise.all([feed.run(), this.#watch(opened, feed, stop), ...converging]);
    } finally {
      failed.abort();
      this.#state = 'stopped';
      await Promise.allSettled(this.#closing.map((each) => each.close()));
    }
  }

  /** Why this source does not deliver just now; empty where it does. */
  health(): readonly string[] {
    const named = (reason: string): string => `source ${this.#options.name}: ${reason}`;
    if (this.#waitingFor !== undefined) return [named(this.#waitingFor)];
    const reasons = this.#feed?.isUp === true ? [] : [named('the notification feed of Redis is down')];
    const failures = [...this.#keyspaces.values()].flatMap(({ publishFailure }) => publishFailure ?? []);
    return [...reasons, ...failures.map((failure) => named(`Kafka does not take records: ${failure.message}`))];
  }

  status(): KeyspaceSourceStatus {
    return {
      name: this.#options.name,
      type: 'keyspace',
      state: this.#state,
      feed: this.#feed?.isUp === true ? 'up' : 'down',
      recordsCaughtUp: this.#recordsCaughtUp,
      databases: [...this.#keyspaces.values()].map((keyspace) => keyspace.status()),
    };
  }

  /** @returns undefined where the signal came first. */
  async #openKeyspaces(signal: AbortSignal): Promise<OpenedRedis | undefined> {
    const { databases, partitions, notifications } = this.#options;
    const { redis, kafka, logger, randomId } = this.#needs;
    const [first = 0] = databases;
    const watching = this.#connect(redis, first, 'watch');
    const origin = await this.#patiently(signal, async () => {
      await watching.ready(signal);
      await ensureNotifications(watching, notifications);
      return ensureOrigin(watching, randomId);
    });
    if (origin === undefined) return undefined;
    const admin = kafka.admin();
    this.#closing.push(admin);
    const tools = {
      ...this.#needs,
      admin,
      topics: new SourceTopics({ admin, partitions, logger }),
      origin,
      signal,
      restartFeed: () => this.#feed?.restart(),
      onCaughtUp: (records: number) => {
        this.#recordsCaughtUp = records;
      },
    };
    this.#state = 'catching-up';
    for (const db of databases) {
      const database = { db, control: this.#connect(redis, db, 'control'), reading: this.#connect(redis, db, 'read') };
      const keyspace = await this.#patiently(signal, () => openKeyspace(database, this.#options, tools));
      if (keyspace === undefined) return undefined;
      logger.info({ db, records: this.#recordsCaughtUp }, 'the store holds what the topic holds');
      keyspace.missed('start');
      this.#keyspaces.set(db, keyspace);
    }
    return { control: watching, origin };
  }

  #openFeed({ control }: OpenedRedis, signal: AbortSignal): NotificationFeed {
    const { databases } = this.#options;
    this.#feed = new NotificationFeed({
      ...this.#needs,
      databases,
      signal,
      listener: {
        changed: (db, key, goneOp) => {
          this.#keyspaces.get(db)?.touch(key, goneOp);
        },
        flushed: () => {
          for (const keyspace of this.#keyspaces.values()) keyspace.flushed();
        },
        up: async () => {
          await this.#ensureNotifications(control);
          for (const keyspace of this.#keyspaces.values()) await keyspace.feedUp();
        },
        down: () => {
          for (const keyspace of this.#keyspaces.values()) keyspace.feedDown();
        },
      },
    });
    return this.#feed;
  }

  #watch({ control, origin }: OpenedRedis, feed: NotificationFeed, signal: AbortSignal): Promise<void> {
    const dataset = new DatasetWatch({
      redis: control,
      onReplaced: () => {
        this.#missed('dataset-replaced');
      },
    });
    const keyspaces = [...this.#keyspaces.values()];
    return watch({
      ...this.#needs,
      everyMs: this.#options.canaryEveryMs,
      signal,
      isFeedUp: () => feed.isUp,
      looks: [
        () => this.#ensureNotifications(control),
        () => dataset.look(),
        // A flush takes the id away: it stays the same, for the records that bear it.
        () => ensureOrigin(control, () => origin),
        ...keyspaces.map((keyspace) => () => keyspace.look()),
      ],
    });
  }

  async #ensureNotifications(control: RedisConnection): Promise<void> {
    if (await ensureNotifications(control, this.#options.notifications)) this.#missed('notifications-off');
  }

  #missed(cause: GapCause): void {
    for (const keyspace of this.#keyspaces.values()) keyspace.missed(cause);
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

  #sum(of: (keyspace: Keyspace) => number): number {
    return [...this.#keyspaces.values()].reduce((sum, keyspace) => sum + of(keyspace), 0);
  }
}
