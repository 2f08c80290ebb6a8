import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, inject } from 'vitest';
import { connectKafka } from '../../src/clients/kafka/connect.ts';
import type { KafkaAdmin } from '../../src/clients/kafka/port.ts';
import { connectRedis } from '../../src/clients/redis/connect.ts';
import type { RedisClient } from '../../src/clients/redis/port.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Logger } from '../../src/core/log.ts';
import type { ListMetrics } from '../../src/observability/metrics.ts';
import type { ListSourceOptions } from '../../src/redis-to-kafka/lists/list-options.ts';
import { ListSource } from '../../src/redis-to-kafka/lists/list-source.ts';
import { eventually } from '../support/eventually.ts';
import { readTopic } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';

/** Metrics as plain counts. */
class CountedItems implements ListMetrics {
  readonly counts: Record<string, number> = {};
  lengthOf: () => number | undefined = () => undefined;
  items(outcome: string, count: number): void {
    this.#add(outcome, count);
  }
  deadLetters(count: number): void {
    this.#add('letters', count);
  }
  endToEnd(): void {
    this.#add('durations', 1);
  }
  length(read: () => number | undefined): void {
    this.lengthOf = read;
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
  readonly source: ListSource;
  readonly metrics: CountedItems;
  readonly log: KeptLog;
  /** Resolves when it has stopped, rejects when it failed. */
  readonly ended: Promise<void>;
  /** @param drainMs how long it may take; 0: as if killed, as far as Redis and Kafka can see. */
  readonly stop: (drainMs?: number) => Promise<void>;
}

export const PROCESSING = '__keyferry__:list:{jobs}:jobs:queue';
export const MARK = '__keyferry__:list-mark:{jobs}:jobs:queue';

/** `count` items with their numbers. */
export const jobs = (count: number, from = 0): readonly string[] =>
  Array.from({ length: count }, (_, at) => `job ${from + at}`);

/** One Redis, and a topic, for each test. */
export class ListFixture {
  server!: RedisServer;
  redis!: Redis;
  topic = '';
  brokers: readonly string[] = [];
  admin!: KafkaAdmin;
  readonly #sources: RunningSource[] = [];

  constructor(redisArgs: readonly string[] = []) {
    beforeEach(async () => {
      this.topic = `list-${randomUUID()}`;
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

  kafka(brokers = this.brokers) {
    return connectKafka({ client: 'platformatic', brokers, clientId: 'list-test' });
  }

  /** With one partition, so that the order of the topic is that of the list. */
  start(
    options: Partial<ListSourceOptions> = {},
    to: { url?: string; redis?: RedisClient; brokers?: readonly string[] } = {},
  ) {
    const metrics = new CountedItems();
    const log = new KeptLog();
    const source = new ListSource(
      {
        name: 'queue',
        database: 0,
        keys: ['jobs'],
        take: 'right',
        topic: this.topic,
        partitions: 1,
        batch: 500,
        ...options,
      },
      {
        redis: to.redis ?? connectRedis({ url: to.url ?? this.server.url, name: 'keyferry' }),
        kafka: this.kafka(to.brokers),
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
    const stop = async (drainMs = 60_000): Promise<void> => {
      const deadline = setTimeout(() => {
        drain.abort();
      }, drainMs);
      if (drainMs === 0) drain.abort();
      stopping.abort();
      await ended.finally(() => {
        clearTimeout(deadline);
      });
    };
    const running: RunningSource = { source, metrics, log, ended, stop };
    this.#sources.push(running);
    return running;
  }

  /** As a producer of a work queue adds: to the left, the first one first. */
  async add(items: readonly (string | Buffer)[], list = 'jobs'): Promise<void> {
    for (let at = 0; at < items.length; at += 5_000) await this.redis.lpush(list, ...items.slice(at, at + 5_000));
  }

  /** The values of a topic. */
  async values(topic = this.topic): Promise<readonly string[]> {
    return (await readTopic(this.brokers, topic)).map(({ value }) => String(value));
  }

  /** Waits until so many items have been published by a source. */
  async published({ metrics }: RunningSource, count: number): Promise<void> {
    await eventually(() => (metrics.counts['published'] ?? 0) >= count, {
      what: `${count} items to be published`,
      timeoutMs: 120_000,
    });
  }

  /** Waits until nothing stands in the list, nor in the processing list. */
  async settled(list = 'jobs', processing = PROCESSING): Promise<void> {
    await eventually(async () => (await this.redis.exists(list, processing)) === 0, { what: 'the lists to be empty' });
  }
}
