import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, inject } from 'vitest';
import { connectKafka } from '../../src/clients/kafka/connect.ts';
import type { KafkaAdmin } from '../../src/clients/kafka/port.ts';
import { connectRedis } from '../../src/clients/redis/connect.ts';
import type { RedisClient } from '../../src/clients/redis/port.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Logger } from '../../src/core/log.ts';
import type { StreamMetrics } from '../../src/observability/metrics.ts';
import type { StreamSourceOptions } from '../../src/redis-to-kafka/streams/stream-options.ts';
import { StreamSource } from '../../src/redis-to-kafka/streams/stream-source.ts';
import { eventually } from '../support/eventually.ts';
import { readTopic } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';

/** Metrics as plain counts. */
export class CountedEntries implements StreamMetrics {
  readonly counts: Record<string, number> = {};
  lagOf: () => number | undefined = () => undefined;
  pendingOf: () => number | undefined = () => undefined;
  entries(outcome: string, count: number): void {
    this.#add(outcome, count);
  }
  deadLetters(count: number): void {
    this.#add('letters', count);
  }
  endToEnd(): void {
    this.#add('durations', 1);
  }
  claimed(count: number): void {
    this.#add('claimed', count);
  }
  trimmed(count: number): void {
    this.#add('trimmed', count);
  }
  groupsRemade(count: number): void {
    this.#add('groups remade', count);
  }
  lag(read: () => number | undefined): void {
    this.lagOf = read;
  }
  pending(read: () => number | undefined): void {
    this.pendingOf = read;
  }
  #add(what: string, count: number): void {
    if (count > 0) this.counts[what] = (this.counts[what] ?? 0) + count;
  }
}

/** Keeps what was said, each line as `level message`. */
class KeptLog implements Logger {
  readonly lines: string[] = [];
  readonly debug = this.#keep('debug');
  readonly info = this.#keep('info');
  readonly warn = this.#keep('warn');
  readonly error = this.#keep('error');
  child(): Logger {
    return this;
  }
  #keep(level: string) {
    return (_: object, message: string): void => {
      this.lines.push(`${level} ${message}`);
    };
  }
}

export interface RunningSource {
  readonly source: StreamSource;
  readonly metrics: CountedEntries;
  readonly log: KeptLog;
  /** Resolves when it has stopped, rejects when it failed. */
  readonly ended: Promise<void>;
  readonly stop: () => Promise<void>;
}

/** What a record tells of its entry. */
export interface Delivered {
  readonly key: string;
  readonly id: string;
  readonly stream: string;
  readonly value: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

/** One Redis, and a topic, for each test. */
export class StreamFixture {
  server!: RedisServer;
  redis!: Redis;
  topic = '';
  brokers: readonly string[] = [];
  admin!: KafkaAdmin;
  readonly #sources: RunningSource[] = [];

  constructor(redisArgs: readonly string[] = []) {
    beforeEach(async () => {
      this.topic = `stream-${randomUUID()}`;
      this.brokers = inject('kafkaBrokers');
      this.server = await (await stackProvider()).startRedis({ args: redisArgs });
      this.redis = new Redis(this.server.url, { maxRetriesPerRequest: null });
      this.redis.on('error', () => undefined);
      this.admin = this.kafka().admin();
    });
    afterEach(async () => {
      await Promise.all(this.#sources.splice(0).map(({ stop }) => stop().catch(() => undefined)));
      await this.admin.close();
      this.redis.disconnect();
      await this.server.kill();
    });
  }

  kafka() {
    return connectKafka({ client: 'platformatic', brokers: this.brokers, clientId: 'stream-test' });
  }

  /** As the source of a daemon that is asked often: surveys and claims come at once. */
  start(options: Partial<StreamSourceOptions> = {}, to: string | RedisClient = this.server.url): RunningSource {
    const metrics = new CountedEntries();
    const log = new KeptLog();
    const source = new StreamSource(
      {
        name: 'orders',
        database: 0,
        keys: ['orders'],
        group: 'keyferry',
        consumer: 'here',
        from: 'beginning',
        topic: this.topic,
        partitions: 3,
        recordKey: '{field:customer}',
        trim: 'none',
        batch: 500,
        claimAfterMs: 60_000,
        discoverEveryMs: 100,
        ...options,
      },
      {
        redis: typeof to === 'string' ? connectRedis({ url: to, name: 'keyferry' }) : to,
        kafka: this.kafka(),
        clock: systemClock,
        logger: log,
        metrics,
        randomId: randomUUID,
      },
    );
    const stopping = new AbortController();
    const drain = new AbortController();
    const ended = source.run(stopping.signal, drain.signal);
    // A test that waits for the failure still sees it.
    ended.catch(() => undefined);
    const stop = async (): Promise<void> => {
      stopping.abort();
      const deadline = setTimeout(() => {
        drain.abort();
      }, 60_000);
      await ended.finally(() => {
        clearTimeout(deadline);
      });
    };
    const running = { source, metrics, log, ended, stop };
    this.#sources.push(running);
    return running;
  }

  /** Adds entries of `customer` and `n`, in one write. @returns their IDs */
  async add(stream: string, count: number, customers = 10): Promise<readonly string[]> {
    const pipeline = this.redis.pipeline();
    for (let n = 0; n < count; n += 1) pipeline.xadd(stream, '*', 'customer', `c${n % customers}`, 'n', n);
    return ((await pipeline.exec()) ?? []).map(([, id]) => String(id));
  }

  /** Every record of a topic, in the order of each partition. */
  async records(topic = this.topic): Promise<readonly Delivered[]> {
    return (await readTopic(this.brokers, topic)).map(({ key, value, headers }) => ({
      key,
      id: headers['kf-id'] ?? '',
      stream: headers['kf-stream'] ?? '',
      value: JSON.parse(String(value)) as unknown,
      headers,
    }));
  }

  /** Waits until so many entries have been published by a source. */
  async published({ metrics }: RunningSource, count: number): Promise<void> {
    await eventually(() => (metrics.counts['published'] ?? 0) >= count, {
      what: `${count} entries to be published`,
      timeoutMs: 120_000,
    });
  }

  /** Waits until the group has nothing before it. */
  async settled(stream = 'orders', group = 'keyferry'): Promise<void> {
    const isSettled = async (): Promise<boolean> => {
      const groups = (await this.redis.xinfo('GROUPS', stream)) as unknown[][];
      const info = groups.find((flat) => flat[1] === group);
      if (info?.[5] !== 0) return false;
      // Before Redis 7 the lag is not told.
      return info.length > 8 ? info[11] === 0 : info[7] === (await this.#lastId(stream));
    };
    await eventually(isSettled, { what: `group ${group} of ${stream} to be settled` });
  }

  async #lastId(stream: string): Promise<unknown> {
    const info = (await this.redis.xinfo('STREAM', stream)) as unknown[];
    return info[info.indexOf('last-generated-id') + 1];
  }
}
