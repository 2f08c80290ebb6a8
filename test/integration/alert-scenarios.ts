/** Values by series, one each minute of two hours, in promtool's notation; `FLOW` stands for the labels of a flow. */
type Series = Readonly<Record<string, string>>;

const LABELS = 'job="keyferry",instance="a:8080"';
const source = (labels = ''): string => `{${LABELS},source="all-keys"${labels}}`;
const sink = (labels = ''): string => `{${LABELS},sink="copy"${labels}}`;
const redis = `{${LABELS},redis="r:6379"}`;

/** The buckets of one duration each ten seconds, all of which took so long. */
const durations = (metric: string, seconds: number): Series =>
  Object.fromEntries(
    [0.001, 0.01, 0.1, 1, 2.5, 10, 30, 60, Infinity].map((bound) => [
      `${metric}${source(`,le="${bound === Infinity ? '+Inf' : bound}"`)}`,
      seconds <= bound ? '0+6x120' : '0x120',
    ]),
  );

const failures = (code: string): string => `keyferry_kafka_produce_failures_total{${LABELS},code="${code}"}`;

const paused = (kind: string, flow: string): string => `keyferry_flow_paused{${LABELS},kind="${kind}",flow="${flow}"}`;

export const HEALTHY: Series = {
  [`up{${LABELS}}`]: '1x120',
  [`keyferry_build_info{${LABELS},version="1"}`]: '1x120',
  [`keyferry_ready{${LABELS}}`]: '1x120',
  [`keyferry_source_gap_open${source()}`]: '0x120',
  [`keyferry_reconcile_keys_total${source()}`]: '100x120',
  [`keyferry_source_gaps_total${source(',cause="feed-lost"')}`]: '3x120',
  ...durations('keyferry_source_canary_seconds_bucket', 0.002),
  [`keyferry_source_behind_seconds${source()}`]: '0.004x120',
  [`keyferry_source_pending_bytes${source()}`]: '1000x120',
  [`keyferry_source_pending_limit_bytes${source()}`]: '64000000x120',
  [`keyferry_sink_lag_records${sink()}`]: '5000-10x120',
  [`keyferry_sink_records_total${sink(',outcome="applied"')}`]: '0+900x120',
  [`keyferry_sink_records_total${sink(',outcome="own"')}`]: '0x120',
  [paused('source', 'all-keys')]: '0x300',
  [paused('sink', 'copy')]: '0x300',
  [`keyferry_stream_group_lag${source()}`]: '5000-10x120',
  [`keyferry_list_length${source()}`]: '3000x120',
  [`keyferry_dead_letters_total${sink()}`]: '4x120',
  [failures('KF_KAFKA_UNAVAILABLE')]: '20x120',
  [failures('KF_KAFKA_REFUSED')]: '2x120',
  [failures('KF_KAFKA_RECORD_TOO_LARGE')]: '0+1x120',
  [`keyferry_redis_evicted_keys_total${redis}`]: '77x120',
  [`keyferry_redis_used_memory_bytes${redis}`]: '800x120',
  [`keyferry_redis_maxmemory_bytes${redis}`]: '1000x120',
  [`nodejs_heap_size_used_bytes{${LABELS}}`]: '80x120',
  [`keyferry_heap_limit_bytes{${LABELS}}`]: '100x120',
};

/** For scenarios that take longer. */
const PRESENT: Series = { [`keyferry_build_info{${LABELS},version="1"}`]: '1x300' };

export interface Scenario {
  readonly title: string;
  /** In the place of what is healthy; an empty text: there is no such series. */
  readonly series: Series;
  /** Minutes after the beginning. */
  readonly at: number;
  /** All that fires then. */
  readonly fires: readonly string[];
}

const nothing = Object.fromEntries(Object.keys(HEALTHY).map((series) => [series, '']));

const REPAIRING: Series = {
  [`keyferry_source_gap_open${source()}`]: '1x120',
  [`keyferry_reconcile_keys_total${source()}`]: '0+1000x120',
};

/** Each pair: it fires, and just short of it, or a little sooner, nothing does. */
export const SCENARIOS: readonly Scenario[] = [
  { title: 'all is well', series: {}, at: 100, fires: [] },
  { title: 'there is none', series: nothing, at: 10, fires: ['KeyferryAbsent'] },
  { title: 'there is none yet', series: nothing, at: 3, fires: [] },
  {
    title: 'it is gone',
    series: {
      ...nothing,
      [`up{${LABELS}}`]: '1x20 0x100',
      [`keyferry_build_info{${LABELS},version="1"}`]: '1x20 stale',
    },
    at: 24,
    fires: ['KeyferryDown'],
  },
  {
    title: 'something else of the same Prometheus is gone',
    series: { 'up{job="other",instance="b:1"}': '0x120' },
    at: 60,
    fires: [],
  },
  {
    title: 'it is not ready',
    series: { [`keyferry_ready{${LABELS}}`]: '0x120' },
    at: 10,
    fires: ['KeyferryNotReady'],
  },
  { title: 'it is starting', series: { [`keyferry_ready{${LABELS}}`]: '0x3 1x110' }, at: 10, fires: [] },
  {
    title: 'a large keyspace is being repaired',
    series: REPAIRING,
    at: 25,
    fires: [],
  },
  {
    title: 'a repair takes half an hour',
    series: REPAIRING,
    at: 40,
    fires: ['KeyferryGapOpen'],
  },
  {
    title: 'nothing repairs a gap',
    series: { [`keyferry_source_gap_open${source()}`]: '0x10 1x110' },
    at: 25,
    fires: ['KeyferryGapNotClosing'],
  },
  {
    title: 'the feed is lost every five minutes',
    series: { [`keyferry_source_gaps_total${source(',cause="feed-lost"')}`]: '0+0.2x120' },
    at: 90,
    fires: ['KeyferryFeedLostRepeatedly'],
  },
  {
    title: 'the feed is lost now and then',
    series: { [`keyferry_source_gaps_total${source(',cause="feed-lost"')}`]: '0+0.05x120' },
    at: 90,
    fires: [],
  },
  {
    title: 'notifications are late',
    series: durations('keyferry_source_canary_seconds_bucket', 2),
    at: 30,
    fires: ['KeyferryCanaryLate'],
  },
  {
    title: 'notifications take half a second',
    series: durations('keyferry_source_canary_seconds_bucket', 0.5),
    at: 30,
    fires: [],
  },
  {
    title: 'a change waits',
    series: { [`keyferry_source_behind_seconds${source()}`]: '0x20 0+60x100' },
    at: 23,
    fires: ['KeyferryBehind'],
  },
  {
    title: 'a change waited, and no more',
    series: { [`keyferry_source_behind_seconds${source()}`]: '0x20 40 0x100' },
    at: 21,
    fires: [],
  },
  {
    title: 'a source is paused, and falls behind',
    series: {
      [paused('source', 'all-keys')]: '1x300',
      [`keyferry_source_gap_open${source()}`]: '1x120',
      [`keyferry_source_behind_seconds${source()}`]: '0+60x120',
      [`keyferry_stream_group_lag${source()}`]: '1000+100x120',
    },
    at: 100,
    fires: [],
  },
  {
    title: 'a sink is paused, and falls behind',
    series: {
      [paused('sink', 'copy')]: '1x300',
      [`keyferry_sink_lag_records${sink()}`]: '1000+100x120',
      [`keyferry_sink_records_total${sink(',outcome="applied"')}`]: '900x120',
    },
    at: 100,
    fires: [],
  },
  {
    title: 'a paused sink is forgotten',
    series: { ...PRESENT, [paused('sink', 'copy')]: '1x300' },
    at: 250,
    fires: ['KeyferryPaused'],
  },
  {
    title: 'many keys wait',
    series: { [`keyferry_source_pending_bytes${source()}`]: '52000000x120' },
    at: 10,
    fires: ['KeyferryPendingNearBound'],
  },
  {
    title: 'some keys wait',
    series: { [`keyferry_source_pending_bytes${source()}`]: '50000000x120' },
    at: 10,
    fires: [],
  },
  {
    title: 'a sink is slower than its topics',
    series: { [`keyferry_sink_lag_records${sink()}`]: '1000+100x120' },
    at: 60,
    fires: ['KeyferrySinkLagGrowing'],
  },
  {
    title: 'a sink has little to do, and a little more',
    series: { [`keyferry_sink_lag_records${sink()}`]: '0+1x120' },
    at: 60,
    fires: [],
  },
  {
    title: 'a sink stands still',
    series: {
      [`keyferry_sink_lag_records${sink()}`]: '40x120',
      [`keyferry_sink_records_total${sink(',outcome="applied"')}`]: '900x120',
    },
    at: 60,
    fires: ['KeyferrySinkStuck'],
  },
  {
    title: 'a sink has nothing to do',
    series: {
      [`keyferry_sink_lag_records${sink()}`]: '0x120',
      [`keyferry_sink_records_total${sink(',outcome="applied"')}`]: '900x120',
    },
    at: 60,
    fires: [],
  },
  {
    title: 'a stream grows faster than it is read',
    series: { [`keyferry_stream_group_lag${source()}`]: '1000+100x120' },
    at: 60,
    fires: ['KeyferryBacklogGrowing'],
  },
  {
    title: 'a list grows faster than it is read',
    series: { [`keyferry_list_length${source()}`]: '1000+100x120' },
    at: 60,
    fires: ['KeyferryBacklogGrowing'],
  },
  {
    title: 'a record cannot be applied',
    series: { [`keyferry_dead_letters_total${sink()}`]: '4x50 5x70' },
    at: 55,
    fires: ['KeyferryDeadLetters'],
  },
  {
    title: 'the last dead letter is long ago',
    series: { [`keyferry_dead_letters_total${sink()}`]: '4x50 5x70' },
    at: 80,
    fires: [],
  },
  {
    title: 'Kafka is away',
    series: { [failures('KF_KAFKA_UNAVAILABLE')]: '0+10x120' },
    at: 30,
    fires: ['KeyferryKafkaUnavailable'],
  },
  {
    title: 'Kafka was away for a minute',
    series: { [failures('KF_KAFKA_UNAVAILABLE')]: '0x25 10x95' },
    at: 29,
    fires: [],
  },
  {
    title: 'Kafka refuses',
    series: { [failures('KF_KAFKA_PERMISSION')]: '0+10x120' },
    at: 30,
    fires: ['KeyferryKafkaRefusing'],
  },
  {
    title: 'Redis evicts',
    series: { [`keyferry_redis_evicted_keys_total${redis}`]: '77x20 90x100' },
    at: 25,
    fires: ['KeyferryRedisEvicting'],
  },
  {
    title: 'Redis has been started again',
    series: { [`keyferry_redis_evicted_keys_total${redis}`]: '77x20 0x100' },
    at: 25,
    fires: [],
  },
  {
    title: 'Redis is nearly full',
    series: { [`keyferry_redis_used_memory_bytes${redis}`]: '950x120' },
    at: 10,
    fires: ['KeyferryRedisMemory'],
  },
  {
    title: 'Redis has no limit',
    series: {
      [`keyferry_redis_used_memory_bytes${redis}`]: '950x120',
      [`keyferry_redis_maxmemory_bytes${redis}`]: '',
    },
    at: 10,
    fires: [],
  },
  {
    title: 'the daemon is short of memory',
    series: { [`nodejs_heap_size_used_bytes{${LABELS}}`]: '90x120' },
    at: 30,
    fires: ['KeyferryMemory'],
  },
  {
    title: 'the heap is full between two collections of garbage',
    series: { [`nodejs_heap_size_used_bytes{${LABELS}}`]: '70x20 95x1 70x100' },
    at: 30,
    fires: [],
  },
];
