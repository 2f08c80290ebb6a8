import type { KafkaDriver, RecordBatch } from '../../clients/kafka/port.ts';
import type { RedisConnection } from '../../clients/redis/port.ts';
import type { SinkOutcome } from '../../core/sink-outcome.ts';
import type { AppliedWatch } from './applied-watch.ts';
import type { DeadLetters } from './dead-letters.ts';

export type Outcomes = ReadonlyMap<SinkOutcome, number>;

/** How a sink brings a batch to Redis: the one thing in which its formats differ. Lives for one membership of the group. */
export interface Applier {
  /**
   * Resolves once every record is applied, passed over for a reason, or safe among the dead letters (I5, I8). What fails
   * for a reason that passes may be repeated as a whole, with the same batch (I6).
   * @returns how many records came to which end.
   * @throws KF_REDIS_UNAVAILABLE, KF_KAFKA_UNAVAILABLE; KF_SINK_STOPPED, KF_REDIS_AUTH, KF_REDIS_PERMISSION
   */
  apply(batch: RecordBatch): Promise<Outcomes>;
}

/** What appliers work with: the database that is written to, and where poison goes. */
export interface Target {
  readonly db: number;
  readonly connection: RedisConnection;
  /** The keys of one script must be of one slot. */
  readonly isCluster: boolean;
  readonly deadLetters: DeadLetters;
  readonly watch: AppliedWatch;
  readonly kafka: KafkaDriver;
  readonly randomId: () => string;
}
