import { Registry, collectDefaultMetrics } from 'prom-client';
import type { GapCause } from '../core/gap.ts';
import type { KeyOp } from '../core/key-record.ts';
import type { SinkOutcome } from '../core/sink-outcome.ts';
import { Instruments, type Read } from './instruments.ts';

/** What one keyspace source reports. Durations in seconds; counts are added at once for a whole batch. */
export interface SourceMetrics {
  /** Something suspected keys: `notification`, `reconcile`. */
  touched(cause: string, count: number): void;
  /** Records that Kafka acknowledged. */
  published(op: KeyOp, count: number): void;
  /** Keys read whose state is the one published last. */
  unchanged(count: number): void;
  /** Touches dropped by include and exclude. */
  filtered(count: number): void;
  /** Records that say that a value was too large to travel. */
  omitted(count: number): void;
  /** From the change seen to its record acknowledged. */
  endToEnd(seconds: number): void;
  /** From writing the canary to its notification. */
  canary(seconds: number): void;
  gapOpened(cause: GapCause): void;
  reconciledKeys(count: number): void;
  /** A reconcile that ended took so long. */
  reconciled(seconds: number): void;
  /** How to learn the number of keys that wait; called at each scrape. Once a source. */
  pendingKeys(read: Read): void;
  /** How to learn the number of open gaps. Once a source. */
  openGaps(read: Read): void;
}

/** What one sink reports. */
export interface SinkMetrics {
  /** Records done with. */
  records(outcome: SinkOutcome, count: number): void;
  deadLetters(count: number): void;
  /** One batch, from its first command to its last reply. */
  applied(seconds: number): void;
  /** From a record's timestamp to its state applied. */
  endToEnd(seconds: number): void;
  /** How to learn the records not yet applied; undefined until known. Once a sink. */
  lag(read: Read): void;
}

export interface RedisMetrics {
  commands(kind: 'read' | 'write', count: number): void;
  /** One round trip. */
  commandSeconds(seconds: number): void;
}

export interface Metrics {
  /** The page that Prometheus scrapes. */
  text(): Promise<string>;
  readonly contentType: string;
  source(name: string): SourceMetrics;
  sink(name: string): SinkMetrics;
  readonly redis: RedisMetrics;
  /** One send, from call to acknowledgement. */
  readonly kafkaProduceSeconds: (seconds: number) => void;
}

// Records instead of lists: the compiler tells when a member is missing.
const GAP_CAUSES: Record<GapCause, true> = {
  start: true,
  'feed-lost': true,
  'pending-overflow': true,
  'canary-missing': true,
  flush: true,
  swapdb: true,
  'dataset-replaced': true,
  'notifications-off': true,
  requested: true,
};
const OPS: Record<KeyOp, true> = { set: true, del: true, expired: true, evicted: true, flushed: true };
const TOUCH_CAUSES = ['notification', 'reconcile'];
const OUTCOMES: Record<SinkOutcome, true> = {
  applied: true,
  superseded: true,
  own: true,
  reserved: true,
  'dead-lettered': true,
};

const declareSource = (declare: Instruments) => {
  const labels = ['source'] as const;
  const counter = (name: string, help: string) => declare.counter({ name, help, labels });
  const counterBy = (name: string, label: string, known: readonly string[], help: string) =>
    declare.counterBy({ name, help, labels: [...labels, label] }, known);
  const histogram = (name: string, help: string) => declare.histogram({ name, help, labels });
  const gauge = (name: string, help: string) => declare.gauge({ name, help, labels });

  const touches = counterBy(
    'source_touches_total',
    'cause',
    TOUCH_CAUSES,
    'Times that a key was suspected of a change.',
  );
  const records = counterBy('source_records_total', 'op', Object.keys(OPS), 'Records that Kafka acknowledged.');
  const unchanged = counter('source_unchanged_total', 'Keys read and found as they were published last.');
  const filtered = counter('source_filtered_total', 'Touches dropped by include and exclude.');
  const omitted = counter('source_omitted_total', 'Records that leave out a value above maxValueBytes.');
  const pending = gauge('source_pending_keys', 'Keys that wait to be read or are in flight.');
  const endToEnd = histogram('source_end_to_end_seconds', 'From a change seen to its record acknowledged.');
  const canary = histogram('source_canary_seconds', 'From writing the canary to its notification.');
  const gaps = counterBy('source_gaps_total', 'cause', Object.keys(GAP_CAUSES), 'Gaps opened.');
  const openGaps = gauge('source_gap_open', 'Gaps open now.');
  const reconcileKeys = counter('reconcile_keys_total', 'Keys that reconciles have gone through.');
  const reconcileDuration = gauge('reconcile_duration_seconds', 'Duration of the last reconcile that ended.');

  return (name: string): SourceMetrics => {
    let lastReconcile: number | undefined;
    reconcileDuration(() => lastReconcile, name);
    const gapOpened = gaps(name);
    return {
      touched: touches(name),
      published: records(name),
      unchanged: unchanged(name),
      filtered: filtered(name),
      omitted: omitted(name),
      endToEnd: endToEnd(name),
      canary: canary(name),
      gapOpened: (cause) => {
        gapOpened(cause, 1);
      },
      reconciledKeys: reconcileKeys(name),
      reconciled: (seconds) => {
        lastReconcile = seconds;
      },
      pendingKeys: (read) => {
        pending(read, name);
      },
      openGaps: (read) => {
        openGaps(read, name);
      },
    };
  };
};

const declareSink = (declare: Instruments) => {
  const labels = ['sink'] as const;
  const records = declare.counterBy(
    { name: 'sink_records_total', help: 'Records done with.', labels: [...labels, 'outcome'] },
    Object.keys(OUTCOMES),
  );
  const lag = declare.gauge({ name: 'sink_lag_records', help: 'Records on the topics not yet applied.', labels });
  const applied = declare.histogram({ name: 'sink_apply_seconds', help: 'Applying one batch to Redis.', labels });
  const endToEnd = declare.histogram({
    name: 'sink_end_to_end_seconds',
    help: "From a record's timestamp to its state applied.",
    labels,
  });
  const deadLetters = declare.counter({
    name: 'dead_letters_total',
    help: 'Records sent to a dead-letter topic.',
    labels,
  });

  return (name: string): SinkMetrics => ({
    records: records(name),
    deadLetters: deadLetters(name),
    applied: applied(name),
    endToEnd: endToEnd(name),
    lag: (read) => {
      lag(read, name);
    },
  });
};

/**
 * Every metric of the contract, declared once. Series appear, at zero, when their source or sink asks for them; a value
 * that is not known yet is absent.
 */
export const createMetrics = (): Metrics => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const declare = new Instruments(registry);
  const unlabelled = (name: string, help: string) => ({ name, help, labels: [] });
  return {
    text: () => registry.metrics(),
    contentType: registry.contentType,
    source: declareSource(declare),
    sink: declareSink(declare),
    redis: {
      commands: declare.counterBy({ name: 'redis_commands_total', help: 'Commands sent to Redis.', labels: ['kind'] }, [
        'read',
        'write',
      ])(),
      commandSeconds: declare.histogram(unlabelled('redis_command_seconds', 'One round trip to Redis.'))(),
    },
    kafkaProduceSeconds: declare.histogram(
      unlabelled('kafka_produce_seconds', 'One send to Kafka, to its acknowledgement.'),
    )(),
  };
};
