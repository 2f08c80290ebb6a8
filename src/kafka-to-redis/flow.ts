import type { KafkaDriver, RecordBatch } from '../clients/kafka/port.ts';
import type { RedisClient, RedisConnection } from '../clients/redis/port.ts';
import type { Clock } from '../core/clock.ts';
import { KeyferryError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { PauseSwitch } from '../core/pause-switch.ts';
import type { ChangeWatch } from '../core/passed-change.ts';
import { retry } from '../core/retry.ts';
import type { Tracer } from '../core/tracer.ts';
import type { SinkMetrics } from '../observability/metrics.ts';
import type { Letter } from '../dead-letters/read-letter.ts';
import type { Redelivered } from '../dead-letters/redelivery.ts';
import { Appender } from './append/append-batch.ts';
import type { Applier, Target } from './consume/applier.ts';
import { AppliedWatch } from './consume/applied-watch.ts';
import { applyBatch } from './consume/apply-batch.ts';
import { openDeadLetters } from './consume/dead-letters.ts';
import { Lag } from './consume/lag.ts';
import { readKeyRecord } from './consume/read-key-record.ts';
import type { RecordReader } from './consume/record-reader.ts';
import { Redelivery } from './redeliver/redelivery.ts';
import { traceBatch } from './consume/trace-batch.ts';
import { openPlainReader } from './plain/open-plain-reader.ts';
import { type PlainOptions, checkPlainOptions } from './plain/plain-options.ts';

interface CommonOptions {
  readonly name: string;
  readonly topics: readonly string[];
  /** The consumer group. */
  readonly group: string;
  /** The database to write to. */
  readonly database: number;
  /** Where a record goes that cannot be applied; without it, it stops the sink. */
  readonly deadLetter?: string | undefined;
}

/** `keyferry`: records of a keyspace source; else those of any producer. */
export type SinkOptions = CommonOptions & ({ readonly format: 'keyferry' } | PlainOptions);

export interface SinkNeeds {
  readonly redis: RedisClient;
  readonly kafka: KafkaDriver;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SinkMetrics;
  /** Told of what was applied; undefined: nobody ever looks. */
  readonly watch?: ChangeWatch | undefined;
  /** undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  readonly randomId: () => string;
}

export interface SinkStatus {
  readonly name: string;
  readonly format: SinkOptions['format'];
  readonly state: 'starting' | 'running' | 'retrying' | 'stopped';
  readonly paused: boolean;
  /** By `topic/partition`: records that are still to come, as the last batch told; undefined until known. */
  readonly lag: Readonly<Record<string, number | undefined>>;
  readonly lastError: string | undefined;
}

/**
 * A batch is held for so long while Redis is away. Then the sink leaves the group until Redis is back: who holds a batch
 * longer than the group waits for it loses the partition, and would come with old states after the next owner's.
 */
const PATIENCE_MS = 20_000;
const QUIET_MS = 60_000;
/** A topic that nobody has made yet is waited for, as a broker is: other flows have nothing to do with it. */
const AWAITED = ['KF_KAFKA_TOPIC_MISSING'] as const;

/** The format decides how a batch comes to Redis, and nothing else. */
const openReader = async (options: SinkOptions, connection: RedisConnection): Promise<RecordReader> =>
  options.format === 'keyferry' ? { effect: 'replace', read: readKeyRecord } : openPlainReader(options, connection);

const openApplier = async (reader: RecordReader, target: Target): Promise<Applier> =>
  reader.effect === 'replace'
    ? { apply: (batch) => applyBatch(batch, target, reader.read) }
    : Appender.open(reader.options, target, reader.read);

/**
 * Records from Kafka to Redis: the group delivers a batch, its records are applied (the last of each key replaces it
 * atomically, or each is appended once; what cannot be applied goes to the dead letters), and only then is its offset
 * committed (I5).
 */
export class Sink {
  /** While it is paused it stays in its group, and neither fetches nor commits. */
  readonly pause = new PauseSwitch();
  readonly #options: SinkOptions;
  readonly #needs: SinkNeeds;
  readonly #lag = new Lag();
  #state: SinkStatus['state'] = 'starting';
  #lastError: string | undefined;
  #quietUntil = 0;
  /** Of the run under way. */
  #connection: RedisConnection | undefined;
  #redelivery: Redelivery | undefined;

  /** @throws KF_CONFIG_INVALID where the options of a plain sink do not fit each other */
  constructor(options: SinkOptions, needs: SinkNeeds) {
    if (options.format !== 'keyferry') checkPlainOptions(options);
    this.#options = options;
    this.#needs = needs;
    needs.metrics.lag(() => this.#lag.total());
  }

  /**
   * Applies until the signal; the batch under way is finished and committed.
   * @throws what does not pass by itself: KF_SINK_STOPPED, KF_REDIS_AUTH, KF_REDIS_PERMISSION, KF_KAFKA_AUTH...
   */
  async run(signal: AbortSignal): Promise<void> {
    const { redis, clock } = this.#needs;
    const { name, database } = this.#options;
    const connection = redis.connect({ db: database, name: `${name}:apply` });
    this.#connection = connection;
    const onFailure = this.#retrying.bind(this);
    try {
      await retry(() => this.#consume(connection, signal), { clock, signal, passes: AWAITED, onFailure });
    } catch (error) {
      // What a stop interrupted is not committed, and comes again.
      if (!signal.aborted) throw error;
    } finally {
      this.#state = 'stopped';
      await connection.close();
    }
  }

  get name(): string {
    return this.#options.name;
  }

  get deadLetter(): string | undefined {
    return this.#options.deadLetter;
  }

  /** As Addressee.redeliver: applied behind what is applied, unless their keys have newer records. */
  redeliver(letters: readonly Letter[]): Promise<ReadonlyMap<Letter, Redelivered>> {
    if (this.#redelivery !== undefined) return this.#redelivery.redeliver(letters);
    const why = this.#lastError ?? this.#state;
    const error = new KeyferryError('KF_REDIS_UNAVAILABLE', `sink ${this.name} does not run just now: ${why}`);
    return Promise.reject(error);
  }

  /** Why this sink does not apply just now; empty where it does. */
  health(): readonly string[] {
    const named = (reason: string): readonly string[] => [`sink ${this.#options.name}: ${reason}`];
    // One that has nothing to apply would not notice by itself.
    if (this.#state === 'running') return this.#connection?.isReady === false ? named('Redis is away') : [];
    return named(this.#state === 'retrying' ? (this.#lastError ?? '') : this.#state);
  }

  status(): SinkStatus {
    return {
      name: this.#options.name,
      format: this.#options.format,
      state: this.#state,
      paused: this.pause.isPaused,
      lag: this.#lag.byPartition(),
      lastError: this.#lastError,
    };
  }

  /** One membership of the group. */
  async #consume(connection: RedisConnection, signal: AbortSignal): Promise<void> {
    const { redis, kafka, clock, randomId } = this.#needs;
    const { group, topics, database } = this.#options;
    await connection.ready(signal);
    const deadLetters = await openDeadLetters(this.#options, kafka);
    // Not before: one that cannot join applies nothing, and would say each time that it tries that it runs.
    const onJoined = this.#running.bind(this);
    const consumer = kafka.groupConsumer({ groupId: group, topics, onJoined });
    const { isCluster } = redis;
    const as = this.#options.format === 'keyferry' ? undefined : this.#options.as;
    const watch = new AppliedWatch({ ...this.#needs, watch: this.#needs.watch, as });
    const target: Target = { db: database, connection, isCluster, deadLetters, watch, kafka, randomId };
    const leave = (): void => {
      consumer.close().catch(() => undefined);
    };
    const rest = (): void => {
      if (this.pause.isPaused) consumer.pause();
      else consumer.resume();
    };
    rest();
    const forget = this.pause.onChange(rest);
    try {
      if (signal.aborted) return;
      signal.addEventListener('abort', leave);
      const reader = await openReader(this.#options, connection);
      const applier = await openApplier(reader, target);
      this.#redelivery = new Redelivery({ topics, reader, target, consumer, clock });
      await consumer.run((batch) => this.#applyTraced(applier, batch, signal));
    } finally {
      this.#redelivery = undefined;
      forget();
      signal.removeEventListener('abort', leave);
      await consumer.close();
      await deadLetters.close();
      this.#lag.forget();
    }
  }

  #applyTraced(applier: Applier, batch: RecordBatch, signal: AbortSignal): Promise<void> {
    const { tracer } = this.#needs;
    const { name: sink, group } = this.#options;
    const apply = (): Promise<void> => this.#applyPatiently(applier, batch, signal);
    return tracer === undefined ? apply() : traceBatch(batch, { tracer, sink, group }, apply);
  }

  async #applyPatiently(applier: Applier, batch: RecordBatch, signal: AbortSignal): Promise<void> {
    const { clock } = this.#needs;
    const start = clock.monotonic();
    const onFailure = (error: KeyferryError, retryMs: number): void => {
      this.#retrying(error, retryMs);
      if (clock.monotonic() - start + retryMs > PATIENCE_MS) throw error;
    };
    const isApplied = await retry(() => this.#apply(applier, batch), { clock, signal, onFailure });
    // Not to be committed.
    if (isApplied === undefined) signal.throwIfAborted();
  }

  async #apply(applier: Applier, batch: RecordBatch): Promise<true> {
    const { clock, metrics } = this.#needs;
    const start = clock.monotonic();
    const outcomes = await applier.apply(batch);
    metrics.applied((clock.monotonic() - start) / 1000);
    const [oldest] = batch.records;
    if (oldest !== undefined) metrics.endToEnd(Math.max(0, clock.now() - oldest.timestamp) / 1000);
    for (const [outcome, count] of outcomes) metrics.records(outcome, count);
    this.#tellDeadLetters(batch, outcomes.get('dead-lettered') ?? 0);
    this.#lag.applied(batch);
    this.#running();
    return true;
  }

  /** Counted each time; told at most once a minute, since poison rarely comes alone. */
  #tellDeadLetters({ topic, partition }: RecordBatch, count: number): void {
    const { clock, logger, metrics } = this.#needs;
    metrics.deadLetters(count);
    if (count === 0 || clock.monotonic() < this.#quietUntil) return;
    this.#quietUntil = clock.monotonic() + QUIET_MS;
    logger.warn({ topic, partition, records: count }, 'records went to the dead-letter topic; their headers tell why');
  }

  #running(): void {
    if (this.#state === 'retrying') this.#needs.logger.info({}, 'the sink goes on');
    this.#state = 'running';
  }

  #retrying(error: KeyferryError, retryMs: number): void {
    if (this.#state !== 'retrying' || this.#lastError !== error.message) {
      this.#needs.logger.warn({ code: error.code, reason: error.message, retryMs }, 'the sink waits');
    }
    this.#state = 'retrying';
    this.#lastError = error.message;
  }
}
