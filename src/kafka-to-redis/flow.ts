import type { KafkaDriver, RecordBatch } from '../clients/kafka/port.ts';
import type { RedisClient, RedisConnection } from '../clients/redis/port.ts';
import type { Clock } from '../core/clock.ts';
import { type KeyferryError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { retry } from '../core/retry.ts';
import type { SinkMetrics } from '../observability/metrics.ts';
import { BatchApplier } from './consume/batch-applier.ts';
import { type DeadLetters, deadLetterTopic, noDeadLetters } from './consume/dead-letters.ts';
import { Lag } from './consume/lag.ts';

export interface SinkOptions {
  readonly name: string;
  readonly topics: readonly string[];
  readonly group: string;
  readonly database: number;
  readonly deadLetter?: string | undefined;
}

export interface SinkNeeds {
  readonly redis: RedisClient;
  readonly kafka: KafkaDriver;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SinkMetrics;
  readonly randomId: () => string;
}

export interface SinkStatus {
  readonly name: string;
  readonly state: 'starting' | 'running' | 'retrying' | 'stopped';
  /** Records read by partition, `topic/partition`, that are still to come; undefined until known. */
  readonly lag: Readonly<Record<string, number | undefined>>;
  readonly lastError: string | undefined;
}

/**
 * Keyferry's own records, from Kafka to Redis: the consumer group delivers batches, each is applied (sort by key -> last
 * of each -> replace atomically -> dead letters), and only then is its offset committed (I5).
 */
export class KeyferrySink {
  readonly #options: SinkOptions;
  readonly #needs: SinkNeeds;
  readonly #lag = new Lag();
  #state: SinkStatus['state'] = 'starting';
  #lastError: string | undefined;

  constructor(options: SinkOptions, needs: SinkNeeds) {
    this.#options = options;
    this.#needs = needs;
    needs.metrics.lag(() => this.#lag.total());
  }

  /**
   * Applies until the signal.
   * @throws what does not pass by itself: KF_SINK_STOPPED, KF_REDIS_AUTH, KF_REDIS_PERMISSION, KF_KAFKA_REFUSED...
   */
  async run(signal: AbortSignal): Promise<void> {
    const { name, database } = this.#options;
    const connection = this.#needs.redis.connect({ db: database, name: `${name}:apply` });
    try {
      const deadLetters = await this.#openDeadLetters()
      const applier = new BatchApplier({
        ...this.#needs, db: database, connection, deadLetters, 
        patiently: (action) => this.#patiently(action, signal),
      });
      await this.#patiently(() => connection.ready(signal), signal);
      await this.#patiently(() => this.#consume(applier, signal), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#state = 'stopped';
      await connection.close();
    }
  }
}
