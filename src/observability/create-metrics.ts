import { Registry, collectDefaultMetrics } from 'prom-client';
import type { GapCause } from '../core/gap.ts';
import type { KeyOp } from '../core/key-record.ts';
import type { ListOutcome } from '../core/list-record.ts';
import type { SinkOutcome } from '../core/sink-outcome.ts';
import type { StreamOutcome } from '../core/stream-outcome.ts';
import { declareDaemon, declareKafka, declareRedis, declareRest } from './declare-servers.ts';
import { Instruments } from './instruments.ts';
import type { ListMetrics, Metrics, SinkMetrics, SourceMetrics, StreamMetrics } from './metrics.ts';

// Records instead of lists: the compiler tells when a member is missing.
const GAP_CAUSES: Record<GapCause, true> = {
  start: true,
  'feed-lost': true,
  'master-changed': true,
  'pending-overflow': true,
  'canary-missing': true,
  flush: true,
  swapdb: true,
  'dataset-replaced': true,
  'notifications-off': true,
};
/** Seconds: from a reconcile of few keys to a Redis that is away for the night. */
const GAP_BUCKETS = [1, 5, 15, 60, 300, 900, 3_600, 14_400, 43_200];
const OPS: Record<KeyOp, true> = { set: true, del: true, expired: true, evicted: true, flushed: true };
const TOUCH_CAUSES = ['notification', 'reconcile', 'write'];
const OUTCOMES: Record<SinkOutcome, true> = {
  applied: true,
  superseded: true,
  repeated: true,
  empty: true,
  own: true,
  reserved: true,
  'dead-lettered': true,
};

const STREAM_OUTCOMES: Record<StreamOutcome, true> = { published: true, 'dead-lettered': true, deleted: true };
const LIST_OUTCOMES: Record<ListOutcome, true> = { published: true, 'dead-lettered': true };

/** Of the library's: gauges that are named like counters. Their parts by type (`nodejs_active_handles`...) say the same. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** What several kinds of flows report. */
const declareShared = (declare: Instruments) => ({
  endToEnd: declare.histogram({
    name: 'source_end_to_end_seconds',
    help: 'From a change seen to its record acknowledged.',
    labels: ['source'],
  }),
  /** One of the two labels names the flow, the other one stays empty. */
  deadLetters: declare.counter({
    name: 'dead_letters_total',
    help: 'Records sent to a dead-letter topic.',
    labels: ['source', 'sink'],
  }),
});

type Shared = ReturnType<typeof declareShared>;

const declareSource = (declare: Instruments, { endToEnd }: Shared) => {
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
  const behind = gauge('source_behind_seconds', 'How long ago the oldest change was seen that Kafka lacks.');
  const pendingBytes = gauge('source_pending_bytes', 'What waiting keys take of their bound, in the fullest database.');
  const pendingLimit = gauge('source_pending_limit_bytes', 'The bound of what waiting keys take in one database.');
  const canary = histogram('source_canary_seconds', 'From writing the canary to its notification.');
  const gaps = counterBy('source_gaps_total', 'cause', Object.keys(GAP_CAUSES), 'Gaps opened.');
  const gapSeconds = declare.histogram({
    name: 'source_gap_seconds',
    help: 'From a gap opened to its end: how long those stood open that have closed.',
    labels: [...labels, 'cause'],
    buckets: GAP_BUCKETS,
  });
  const openGaps = gauge('source_gap_open', 'Gaps open now.');
  const reconcileKeys = counter('reconcile_keys_total', 'Keys that reconciles have gone through.');
  const reconcileDuration = gauge('reconcile_duration_seconds', 'Duration of the last reconcile that ended.');

  return (name: string): SourceMetrics => {
    let lastReconcile: number | undefined;
    reconcileDuration(() => lastReconcile, name);
    const gapOpened = gaps(name);
    const gapClosed = new Map(Object.keys(GAP_CAUSES).map((cause) => [cause, gapSeconds(name, cause)]));
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
      gapClosed: (cause, seconds) => {
        gapClosed.get(cause)?.(seconds);
      },
      reconciledKeys: reconcileKeys(name),
      reconciled: (seconds) => {
        lastReconcile = seconds;
      },
      pendingKeys: (read) => {
        pending(read, name);
      },
      behind: (read) => {
        behind(read, name);
      },
      pendingBytes: (read, limitBytes) => {
        pendingBytes(read, name);
        pendingLimit(() => limitBytes, name);
      },
      openGaps: (read) => {
        openGaps(read, name);
      },
    };
  };
};

const declareStream = (declare: Instruments, { endToEnd, deadLetters }: Shared) => {
  const labels = ['source'] as const;
  const counter = (name: string, help: string) => declare.counter({ name, help, labels });
  const gauge = (name: string, help: string) => declare.gauge({ name, help, labels });

  const entries = declare.counterBy(
    { name: 'stream_entries_total', help: 'Entries of streams done with.', labels: [...labels, 'outcome'] },
    Object.keys(STREAM_OUTCOMES),
  );
  const claimed = counter('stream_claimed_total', 'Entries taken over from other consumers of the group.');
  const trimmed = counter('stream_trimmed_total', 'Entries removed from streams, acknowledged by every group.');
  const groupsRemade = counter('stream_groups_remade_total', 'Consumer groups that had gone, and were made again.');
  const lag = gauge('stream_group_lag', 'Entries that the group has not read.');
  const pending = gauge('stream_group_pending', 'Entries that the group has read and not acknowledged.');

  return (name: string): StreamMetrics => ({
    entries: entries(name),
    deadLetters: deadLetters(name, ''),
    endToEnd: endToEnd(name),
    claimed: claimed(name),
    trimmed: trimmed(name),
    groupsRemade: groupsRemade(name),
    lag: (read) => {
      lag(read, name);
    },
    pending: (read) => {
      pending(read, name);
    },
  });
};

const declareList = (declare: Instruments, { endToEnd, deadLetters }: Shared) => {
  const labels = ['source'] as const;
  const items = declare.counterBy(
    { name: 'list_items_total', help: 'Items of lists done with.', labels: [...labels, 'outcome'] },
    Object.keys(LIST_OUTCOMES),
  );
  const length = declare.gauge({ name: 'list_length', help: 'Items that stand in the lists, not yet taken.', labels });

  return (name: string): ListMetrics => ({
    items: items(name),
    deadLetters: deadLetters(name, ''),
    endToEnd: endToEnd(name),
    length: (read) => {
      length(read, name);
    },
  });
};

const declareSink = (declare: Instruments, { deadLetters }: Shared) => {
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
  return (name: string): SinkMetrics => ({
    records: records(name),
    deadLetters: deadLetters('', name),
    applied: applied(name),
    endToEnd: endToEnd(name),
    lag: (read) => {
      lag(read, name);
    },
  });
};

const declarePaused = (declare: Instruments): Metrics['flowPaused'] => {
  const gauge = declare.gauge({
    name: 'flow_paused',
    help: '1 while a source or sink rests because somebody wants it to.',
    labels: ['flow', 'kind'],
  });
  return (kind, name, isPaused) => {
    gauge(() => (isPaused() ? 1 : 0), name, kind);
  };
};

/**
 * Every metric of the contract, declared once. Series appear, at zero, when their source or sink asks for them; a value
 * that is not known yet is absent.
 */
export const createMetrics = (): Metrics => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  const declare = new Instruments(registry);
  const shared = declareShared(declare);
  return {
    text: () => registry.metrics(),
    contentType: registry.contentType,
    samples: (name) => declare.samples(name),
    source: declareSource(declare, shared),
    streamSource: declareStream(declare, shared),
    listSource: declareList(declare, shared),
    sink: declareSink(declare, shared),
    redis: declareRedis(declare),
    kafka: declareKafka(declare),
    rest: declareRest(declare),
    daemon: declareDaemon(declare),
    flowPaused: declarePaused(declare),
  };
};
