import type { RedisClient, RedisMaster, RedisSubscription } from '../../clients/redis/port.ts';
import type { Clock } from '../../core/clock.ts';
import { type ErrorCode, codeOf, messageOf } from '../../core/errors.ts';
import { type KeyName, keyName } from '../../core/key-name.ts';
import type { GoneOp } from '../../core/key-record.ts';
import type { Logger } from '../../core/log.ts';

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;

export interface FeedListener {
  /** @param goneOp what the key's tombstone says, should it be gone. */
  changed(db: number, key: KeyName, goneOp: GoneOp): void;
  /** FLUSHALL or FLUSHDB ran, in some database. */
  flushed(): void;
  /** The subscription stands; from now on nothing is missed. */
  up(): Promise<void>;
  /** From now on changes go unseen. */
  down(reason: string): void;
}

export interface NotificationFeedOptions {
  readonly redis: RedisClient;
  readonly master: RedisMaster;
  readonly databases: readonly number[];
  readonly listener: FeedListener;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

const GONE_OPS: Readonly<Record<string, GoneOp>> = { expired: 'expired', evicted: 'evicted' };

interface Channel {
  readonly db: number;
  readonly goneOp: GoneOp;
}

/** `__keyevent@<db>__:<event>`; undefined for any other channel. */
export const parseChannel = (channel: string): Channel | undefined => {
  const [, db, event] = /^__keyevent@(\d+)__:(.*)$/.exec(channel) ?? [];
  if (db === undefined || event === undefined) return undefined;
  return { db: Number(db), goneOp: GONE_OPS[event] ?? 'del' };
};

/**
 * Key-event notifications of some databases of one master. Redis sends them once, to who listens just then: so the feed
 * says exactly when it began to listen and when it stopped.
 */
export class NotificationFeed {
  readonly #options: NotificationFeedOptions;
  /** A channel is one of a few dozen names: each is parsed once. */
  readonly #channels = new Map<string, Channel | undefined>();
  #latest: { readonly bytes: Buffer; readonly channel: Channel | undefined } = {
    bytes: Buffer.alloc(0),
    channel: undefined,
  };
  #subscription: RedisSubscription | undefined;
  #isUp = false;

  constructor(options: NotificationFeedOptions) {
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Subscribes, and again whenever the connection is lost, until the signal. */
  async run(): Promise<void> {
    const { clock, logger, listener, signal } = this.#options;
    signal.addEventListener('abort', () => this.#subscription?.close(), { once: true });
    const isStopped = (): boolean => signal.aborted;
    let retryMs = FIRST_RETRY_MS;
    while (!isStopped()) {
      let reason: string;
      let code: ErrorCode = 'KF_REDIS_UNAVAILABLE';
      try {
        const subscription = await this.#subscribe();
        await listener.up();
        this.#isUp = true;
        retryMs = FIRST_RETRY_MS;
        reason = await subscription.lost;
      } catch (error) {
        reason = messageOf(error);
        code = codeOf(error) ?? code;
      }
      this.#isUp = false;
      this.#subscription?.close();
      this.#subscription = undefined;
      if (isStopped()) return;
      listener.down(reason);
      logger.warn({ code, reason, retryMs }, 'the notification feed is down; subscribing again');
      await clock.sleep(retryMs, signal);
      retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
    }
  }

  /** Drops the connection: something is wrong with it that it does not know. */
  restart(): void {
    this.#subscription?.close();
  }

  async #subscribe(): Promise<RedisSubscription> {
    const { redis, master, databases, listener } = this.#options;
    const patterns = databases.map((db) => `__keyevent@${db}__:*`);
    this.#subscription = await redis.subscribeNode(master, patterns, {
      onMessage: (channelBytes, message) => {
        const channel = this.#channel(channelBytes);
        if (channel !== undefined) listener.changed(channel.db, keyName(message), channel.goneOp);
      },
      onFlush: () => {
        listener.flushed();
      },
    });
    if (this.#options.signal.aborted) this.#subscription.close();
    return this.#subscription;
  }

  #channel(bytes: Buffer): Channel | undefined {
    // Mostly the same one again: to compare is quicker than to look up.
    if (bytes.equals(this.#latest.bytes)) return this.#latest.channel;
    const name = bytes.toString('latin1');
    const channel = this.#channels.get(name) ?? parseChannel(name);
    this.#channels.set(name, channel);
    this.#latest = { bytes: Buffer.from(bytes), channel };
    return channel;
  }
}
