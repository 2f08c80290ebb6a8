import { randomUUID } from 'node:crypto';
import { afterEach, inject } from 'vitest';
import { connectKafka } from '../../src/clients/kafka/connect.ts';
import { connectRedis } from '../../src/clients/redis/connect.ts';
import type { RedisClient } from '../../src/clients/redis/port.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createMetrics } from '../../src/observability/create-metrics.ts';
import { KeyspaceSource } from '../../src/redis-to-kafka/flow.ts';
import type { KeyspaceSourceOptions } from '../../src/redis-to-kafka/open-keyspace.ts';
import { LmdbStateStore } from '../../src/state-store/lmdb-state-store.ts';
import { eventually } from '../support/eventually.ts';
import { silentLogger } from '../support/silent-logger.ts';
import type { RedisServer } from '../support/stack.ts';
import { Workplace } from '../support/workplace.ts';

const DEFAULTS = {
  databases: [0],
  include: ['*'],
  exclude: ['private:*'],
  partitions: 3,
  format: 'json',
  maxValueBytes: 1_000_000,
  maxPendingBytes: 10_000_000,
  notifications: 'manage',
  reconcileEveryMs: 0,
  canaryEveryMs: 0,
} as const;

export interface RunningSource {
  readonly source: KeyspaceSource;
  readonly topic: string;
  readonly stop: () => Promise<void>;
}

/** Keyspace sources in this process, each on a topic of its own; a test's sources stop with it. */
export class MirrorFixture {
  readonly #running: RunningSource[] = [];

  constructor() {
    afterEach(() => this.stopAll());
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.#running.splice(0).map(({ stop }) => stop()));
  }

  /** Resolves once it mirrors, with no gap open. */
  async start(
    redis: RedisServer | RedisClient,
    options: Partial<KeyspaceSourceOptions> = {},
    brokers: readonly string[] = inject('kafkaBrokers'),
  ): Promise<RunningSource> {
    const running = this.create(redis, options, brokers);
    await eventually(
      () => {
        const { state, databases } = running.source.status();
        return state === 'running' && databases.every(({ gapsOpen }) => gapsOpen.length === 0);
      },
      { what: 'the source to mirror' },
    );
    return running;
  }

  create(
    redis: RedisServer | RedisClient,
    options: Partial<KeyspaceSourceOptions>,
    brokers: readonly string[],
  ): RunningSource {
    const topic = `rest-${randomUUID()}`;
    const workplace = new Workplace();
    const store = new LmdbStateStore({ path: workplace.path('state'), clock: systemClock });
    const metrics = createMetrics();
    const source = new KeyspaceSource(
      { ...DEFAULTS, name: 'keys', topic, ...options },
      {
        redis: 'url' in redis ? connectRedis({ url: redis.url, name: 'keyferry' }) : redis,
        kafka: connectKafka({ client: 'platformatic', brokers, clientId: 'rest-test' }),
        published: (name) => store.published(name),
        notes: store.notes,
        clock: systemClock,
        logger: silentLogger,
        metrics: metrics.source('keys'),
        randomId: randomUUID,
      },
    );
    const stopping = new AbortController();
    const drain = new AbortController();
    const ended = source.run(stopping.signal, drain.signal);
    ended.catch(() => undefined);
    const running = {
      source,
      topic,
      stop: async () => {
        stopping.abort();
        // What is in flight is published, where Kafka is there to take it.
        if (source.health().length > 0) drain.abort();
        await ended;
        await store.close();
        await workplace.close();
      },
    };
    this.#running.push(running);
    return running;
  }
}
