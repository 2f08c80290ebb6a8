import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { afterEach, beforeEach, inject } from 'vitest';
import { connectKafka } from '../../src/clients/kafka/connect.ts';
import type { KafkaDriver, OutgoingRecord, RecordProducer } from '../../src/clients/kafka/port.ts';
import { connectRedis } from '../../src/clients/redis/connect.ts';
import { encodeState } from '../../src/codecs/key-record.ts';
import { headerWriter } from '../../src/codecs/record-headers.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { RecordFormat } from '../../src/core/key-record.ts';
import { type KeyState, redisTypeOf } from '../../src/core/key-state.ts';
import { Sink, type SinkNeeds, type SinkOptions } from '../../src/kafka-to-redis/flow.ts';
import type { PlainOptions } from '../../src/kafka-to-redis/plain/plain-options.ts';
import type { SinkMetrics } from '../../src/observability/metrics.ts';
import { eventually } from '../support/eventually.ts';
import { stackProvider } from '../support/provider.ts';
import { silentLogger } from '../support/silent-logger.ts';
import type { RedisServer } from '../support/stack.ts';

/** Metrics as plain counts. */
export class CountedOutcomes implements SinkMetrics {
  readonly counts: Record<string, number> = {};
  get total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }
  lagOf: () => number | undefined = () => undefined;
  records(outcome: string, count: number): void {
    if (count > 0) this.counts[outcome] = (this.counts[outcome] ?? 0) + count;
  }
  deadLetters(): void {
    // Counted as an outcome.
  }
  applied(): void {
    // Durations are not looked at here.
  }
  endToEnd(): void {
    // Durations are not looked at here.
  }
  lag(read: () => number | undefined): void {
    this.lagOf = read;
  }
}

/** Of a sink of Keyferry's own records, unless they say otherwise. */
type StartOptions = Partial<Omit<SinkOptions, 'format' | keyof PlainOptions>> &
  (PlainOptions | { format?: 'keyferry' });

export interface RunningSink {
  readonly sink: Sink;
  readonly outcomes: CountedOutcomes;
  /** Resolves when it has stopped, rejects when it failed. */
  readonly ended: Promise<void>;
  readonly stop: () => Promise<void>;
}

/** One target Redis, one topic of one partition and a producer for each test. */
export class SinkFixture {
  server!: RedisServer;
  /** The target, looked at by other means than Keyferry's own. */
  redis!: Redis;
  topic = '';
  group = '';
  readonly #sinks: RunningSink[] = [];
  #producer: RecordProducer | undefined;
  #sent = 0;

  constructor(redisArgs: readonly string[] = []) {
    beforeEach(async () => {
      this.topic = `sink-${randomUUID()}`;
      this.group = `group-${this.topic}`;
      this.#sent = 0;
      this.server = await (await stackProvider()).startRedis({ args: redisArgs });
      this.redis = new Redis(this.server.url, { maxRetriesPerRequest: null });
      this.redis.on('error', () => undefined);
      const admin = this.kafka().admin();
      await admin.create({ name: this.topic, partitions: 1, config: {} });
      await admin.close();
      this.#producer = await this.kafka().producer();
    });
    afterEach(async () => {
      await Promise.all(this.#sinks.splice(0).map(({ stop }) => stop().catch(() => undefined)));
      await this.#producer?.close();
      this.redis.disconnect();
      await this.server.kill();
    });
  }

  /** Deletes the topic, and makes another one of its name. */
  async recreateTopic(): Promise<void> {
    const admin = new Kafka({ brokers: [...inject('kafkaBrokers')], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [this.topic] });
    await eventually(async () => !(await admin.listTopics()).includes(this.topic), { what: 'the topic to be gone' });
    const again = { topics: [{ topic: this.topic, numPartitions: 1 }], waitForLeaders: false };
    await eventually(() => admin.createTopics(again), { what: 'the topic to be there again' });
    await eventually(() => admin.fetchTopicOffsets(this.topic), { what: 'the topic to be led' });
    await admin.disconnect();
    // One that knows nothing of the old topic.
    await this.#producer?.close();
    this.#producer = await this.kafka().producer();
  }

  kafka(): KafkaDriver {
    return connectKafka({ client: 'platformatic', brokers: inject('kafkaBrokers'), clientId: 'sink-test' });
  }

  async send(...records: readonly Partial<OutgoingRecord>[]): Promise<void> {
    this.#sent += records.length;
    await this.#producer?.send(
      records.map((record) => ({ topic: this.topic, key: null, value: null, headers: new Map(), ...record })),
    );
  }

  start(options: StartOptions = {}, needs: Partial<SinkNeeds> = {}): RunningSink {
    const outcomes = new CountedOutcomes();
    const sink = new Sink(
      { name: 'profiles', topics: [this.topic], group: this.group, database: 0, format: 'keyferry', ...options },
      {
        redis: connectRedis({ url: this.server.url, name: 'keyferry' }),
        kafka: this.kafka(),
        clock: systemClock,
        logger: silentLogger,
        metrics: outcomes,
        randomId: randomUUID,
        ...needs,
      },
    );
    const stopping = new AbortController();
    const ended = sink.run(stopping.signal);
    // A test that waits for the failure still sees it.
    ended.catch(() => undefined);
    const running = {
      sink,
      outcomes,
      ended,
      stop: async () => {
        stopping.abort();
        await ended;
      },
    };
    this.#sinks.push(running);
    return running;
  }

  /** Sends the records and waits until they are done with, by a sink that is started if none runs. */
  async apply(...records: readonly Partial<OutgoingRecord>[]): Promise<CountedOutcomes> {
    await this.send(...records);
    const { outcomes } = this.#sinks.at(-1) ?? this.start();
    await this.caughtUp();
    return outcomes;
  }

  /** Waits until the last sink that was started, from the first record on, is done with all that were sent. */
  async caughtUp(): Promise<void> {
    const isDone = (): boolean => this.#sinks.at(-1)?.outcomes.total === this.#sent;
    await eventually(isDone, { timeoutMs: 60_000, what: 'the last record' });
  }
}

const ELSEWHERE = { db: 0, origin: 'another Redis' };

/** A record of a key that holds a value. */
export const set = (
  key: string | Buffer,
  state: KeyState,
  { format = 'json', ...from }: { format?: RecordFormat; db?: number; origin?: string } = {},
): Partial<OutgoingRecord> => ({
  key: Buffer.from(key),
  value: encodeState(state, format),
  headers: headerWriter({ ...ELSEWHERE, ...from }).set({
    redisType: redisTypeOf(state.value),
    expireAt: state.expireAt,
    ts: Date.now(),
  }),
});

export const text = (key: string | Buffer, value: string, from: { db?: number; origin?: string } = {}) =>
  set(key, { value: { type: 'string', value: Buffer.from(value) }, expireAt: undefined }, from);

/** A tombstone. */
export const gone = (key: string | Buffer): Partial<OutgoingRecord> => ({
  key: Buffer.from(key),
  value: null,
  headers: headerWriter(ELSEWHERE).gone({ op: 'del', redisType: 'string', ts: Date.now() }),
});
