import { addressText } from '../clients/redis/address.ts';
import type { RedisClient, RedisConnection, RedisMaster } from '../clients/redis/port.ts';
import { type Clock, aborted } from '../core/clock.ts';
import { KeyferryError, isKeyferryError } from '../core/errors.ts';
import type { Gap, GapCause } from '../core/gap.ts';
import type { Logger } from '../core/log.ts';
import { retry } from '../core/retry.ts';
import { DatasetWatch } from './feeds/dataset-watch.ts';
import { NotificationFeed } from './feeds/notification-feed.ts';
import { type FlagsMode, ensureNotifications } from './feeds/notification-flags.ts';
import { watch } from './feeds/watch.ts';
import type { Keyspace } from './keyspace.ts';
import type { Shard } from './shard.ts';

export interface WatchedMasterOptions {
  readonly name: string;
  readonly notifications: FlagsMode;
  /** 0: never. */
  readonly canaryEveryMs: number;
  readonly redis: RedisClient;
  /** By database. */
  readonly keyspaces: ReadonlyMap<number, Keyspace>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * One master of the Redis that a source mirrors: its feed touches the keys of its shards, one in each database; the watch
 * looks for what no notification tells.
 */
export class WatchedMaster {
  #master: RedisMaster;
  readonly #options: WatchedMasterOptions;
  readonly #shards = new Map<number, Shard>();
  readonly #connections: RedisConnection[] = [];
  readonly #control: RedisConnection;
  readonly #feed: NotificationFeed;
  readonly #dataset: DatasetWatch;
  readonly #ended = new AbortController();
  readonly #signal: AbortSignal;

  /** @param signal ends it, as `close` does. */
  constructor(master: RedisMaster, options: WatchedMasterOptions, signal: AbortSignal) {
    const { keyspaces } = options;
    this.#master = master;
    this.#options = { ...options, logger: options.logger.child({ master: addressText(master) }) };
    this.#signal = AbortSignal.any([signal, this.#ended.signal]);
    this.#feed = new NotificationFeed({
      ...this.#options,
      master,
      databases: [...keyspaces.keys()],
      signal: this.#signal,
      listener: {
        changed: (db, key, goneOp) => {
          this.#shards.get(db)?.changed(key, goneOp);
        },
        flushed: () => {
          for (const shard of this.#shards.values()) shard.flushed();
        },
        up: () => this.#feedUp(),
        down: () => {
          this.#feedDown();
        },
      },
    });
    for (const [db, keyspace] of keyspaces) {
      const control = this.#connect(db);
      const restartFeed = (): void => {
        this.#feed.restart();
      };
      this.#shards.set(db, keyspace.openShard({ master, control, restartFeed, signal: this.#signal }));
    }
    const [first] = this.#connections;
    this.#control = first ?? this.#connect(0);
    this.#dataset = new DatasetWatch({
      redis: this.#control,
      onReplaced: () => {
        this.missed('dataset-replaced');
      },
    });
  }

  get master(): RedisMaster {
    return this.#master;
  }
  get isUp(): boolean {
    return this.#feed.isUp;
  }

  /** Open gaps, by database. */
  gaps(): ReadonlyMap<number, readonly Gap[]> {
    return new Map([...this.#shards].map(([db, { gapsOpen }]) => [db, gapsOpen]));
  }

  /** Changes may have gone unseen. */
  missed(cause: GapCause): void {
    for (const shard of this.#shards.values()) shard.missed(cause);
  }

  /** Keys came here from a master of which changes had gone unseen. */
  adopt(gaps: ReadonlyMap<number, readonly Gap[]>): void {
    for (const [db, open] of gaps) if (open.length > 0) this.#shards.get(db)?.adopt(open);
  }

  /** It has other slots now. */
  moved(master: RedisMaster): void {
    this.#master = master;
    for (const keyspace of this.#options.keyspaces.values()) keyspace.moveShard(master);
  }

  /**
   * Follows the master until the signal, or until `close`.
   * @param isExpected what is wrong with it is then an error at once. One that joins later does not take the others down.
   * @throws what does not pass by itself: KF_REDIS_PERMISSION, KF_REDIS_NOTIFICATIONS_OFF...
   */
  async run({ isExpected }: { readonly isExpected: boolean }): Promise<void> {
    const { clock, logger, canaryEveryMs } = this.#options;
    const signal = this.#signal;
    const shards = [...this.#shards.values()];
    const onFailure = ({ code, message }: KeyferryError, retryMs: number): void => {
      logger.warn({ code, reason: message, retryMs }, 'waiting for Redis');
    };
    const prepare = async (): Promise<void> => {
      await this.#control.ready(signal);
      await this.#ensureFlags();
    };
    // At once, not at the end: what waits for a server that hangs then ends too.
    const closed = aborted(signal).then(() => this.#closeConnections());
    try {
      // What is not as it must be is told before anything is expected of it.
      if (isExpected) await retry(prepare, { clock, signal, onFailure });
      await Promise.all([
        this.#feed.run(),
        ...shards.map((shard) => shard.run()),
        watch({
          clock,
          logger,
          everyMs: canaryEveryMs,
          signal,
          isFeedUp: () => this.isUp,
          looks: [
            () => this.#lookAtNotifications(),
            () => this.#dataset.look(),
            ...shards.map((shard) => () => shard.look()),
          ],
        }),
      ]);
      await closed;
    } catch (error) {
      await this.#closeConnections();
      throw error;
    }
  }

  /** It is no master any more: what it tells does not count. */
  close(): void {
    this.#ended.abort();
    for (const keyspace of this.#options.keyspaces.values()) keyspace.closeShard(this.#master.id);
  }

  async #feedUp(): Promise<void> {
    await this.#control.ready(this.#signal);
    await this.#ensureNotifications();
    // What is put in its place from now on is found by the watch, which also tells where it cannot look.
    if (this.#options.canaryEveryMs > 0) await this.#dataset.look().catch(() => undefined);
    for (const shard of this.#shards.values()) await shard.feedUp();
    for (const keyspace of this.#options.keyspaces.values()) keyspace.retry();
  }

  #feedDown(): void {
    for (const shard of this.#shards.values()) shard.feedDown();
  }

  async #ensureNotifications(): Promise<void> {
    if (await this.#ensureFlags()) this.missed('notifications-off');
  }

  /** As ensureNotifications; its errors name the master. */
  async #ensureFlags(): Promise<boolean> {
    try {
      return await ensureNotifications(this.#control, this.#options.notifications);
    } catch (error) {
      if (!isKeyferryError(error, 'KF_REDIS_NOTIFICATIONS_OFF', 'KF_REDIS_PERMISSION')) throw error;
      throw new KeyferryError(error.code, `Redis at ${addressText(this.#master)}: ${error.message}`, { cause: error });
    }
  }

  /** I3: a feed that tells of nothing is none. It comes up again once the flags are back. */
  async #lookAtNotifications(): Promise<void> {
    try {
      await this.#ensureNotifications();
    } catch (error) {
      if (isKeyferryError(error, 'KF_REDIS_NOTIFICATIONS_OFF')) {
        this.#feedDown();
        this.missed('notifications-off');
        this.#feed.restart();
      }
      throw error;
    }
  }

  async #closeConnections(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  #connect(db: number): RedisConnection {
    const { redis, name } = this.#options;
    const connection = redis.connectNode(this.#master, { db, name: `${name}:control` });
    this.#connections.push(connection);
    return connection;
  }
}
