import { describe, expect, test } from 'vitest';
import { createMetrics } from '../../../src/observability/create-metrics.ts';

describe('the metrics', () => {
  test('are those of the contract, each with the Node process defaults beside', async () => {
    const metrics = createMetrics();
    const text = await metrics.text();
    const declared = [...text.matchAll(/^# TYPE (keyferry_\S+) (\S+)$/gm)].map(
      ([, name, type]) => `${String(name)} ${String(type)}`,
    );
    expect(declared.sort()).toEqual([
      'keyferry_build_info gauge',
      'keyferry_dead_letters_total counter',
      'keyferry_flow_paused gauge',
      'keyferry_heap_limit_bytes gauge',
      'keyferry_kafka_produce_failures_total counter',
      'keyferry_kafka_produce_seconds histogram',
      'keyferry_list_items_total counter',
      'keyferry_list_length gauge',
      'keyferry_ready gauge',
      'keyferry_reconcile_duration_seconds gauge',
      'keyferry_reconcile_keys_total counter',
      'keyferry_redis_command_seconds histogram',
      'keyferry_redis_commands_total counter',
      'keyferry_redis_evicted_keys_total counter',
      'keyferry_redis_maxmemory_bytes gauge',
      'keyferry_redis_used_memory_bytes gauge',
      'keyferry_rest_origin_total counter',
      'keyferry_rest_request_seconds histogram',
      'keyferry_rest_requests_total counter',
      'keyferry_sink_apply_seconds histogram',
      'keyferry_sink_end_to_end_seconds histogram',
      'keyferry_sink_lag_records gauge',
      'keyferry_sink_records_total counter',
      'keyferry_source_behind_seconds gauge',
      'keyferry_source_canary_seconds histogram',
      'keyferry_source_end_to_end_seconds histogram',
      'keyferry_source_filtered_total counter',
      'keyferry_source_gap_open gauge',
      'keyferry_source_gap_seconds histogram',
      'keyferry_source_gaps_total counter',
      'keyferry_source_omitted_total counter',
      'keyferry_source_pending_bytes gauge',
      'keyferry_source_pending_keys gauge',
      'keyferry_source_pending_limit_bytes gauge',
      'keyferry_source_records_total counter',
      'keyferry_source_touches_total counter',
      'keyferry_source_unchanged_total counter',
      'keyferry_stream_claimed_total counter',
      'keyferry_stream_entries_total counter',
      'keyferry_stream_group_lag gauge',
      'keyferry_stream_group_pending gauge',
      'keyferry_stream_groups_remade_total counter',
      'keyferry_stream_trimmed_total counter',
    ]);
    expect(text).toContain('process_cpu_seconds_total');
    expect(text).toContain('nodejs_eventloop_lag_seconds');
    expect(metrics.contentType).toMatch(/^text\/plain/);
  });

  test('start at zero for every known label value of a source', async () => {
    const metrics = createMetrics();
    metrics.source('all-keys');
    const text = await metrics.text();
    for (const op of ['set', 'del', 'expired', 'evicted', 'flushed']) {
      expect(text).toContain(`keyferry_source_records_total{source="all-keys",op="${op}"} 0\n`);
    }
    expect(text).toContain('keyferry_source_gaps_total{source="all-keys",cause="pending-overflow"} 0\n');
    expect(text).toContain('keyferry_source_gap_seconds_count{source="all-keys",cause="pending-overflow"} 0\n');
    expect(text).toContain('keyferry_source_touches_total{source="all-keys",cause="notification"} 0\n');
    expect(text).toContain('keyferry_source_end_to_end_seconds_count{source="all-keys"} 0\n');
  });

  test('count dead letters of sources and sinks under one name, each with the label that it has', async () => {
    const metrics = createMetrics();
    metrics.streamSource('orders').deadLetters(2);
    metrics.sink('profiles').deadLetters(3);
    const text = await metrics.text();
    expect(text).toContain('keyferry_dead_letters_total{source="orders"} 2\n');
    expect(text).toContain('keyferry_dead_letters_total{sink="profiles"} 3\n');
  });

  test('add many at once, and keep sources apart', async () => {
    const metrics = createMetrics();
    const [a, b] = [metrics.source('a'), metrics.source('b')];
    a.touched('notification', 500);
    a.touched('notification', 3);
    b.published('expired', 7);
    a.gapOpened('start');
    a.gapOpened('start');
    const text = await metrics.text();
    expect(text).toContain('keyferry_source_touches_total{source="a",cause="notification"} 503\n');
    expect(text).toContain('keyferry_source_records_total{source="a",op="expired"} 0\n');
    expect(text).toContain('keyferry_source_records_total{source="b",op="expired"} 7\n');
    expect(text).toContain('keyferry_source_gaps_total{source="a",cause="start"} 2\n');
  });

  test('leave out what is not known yet, and read gauges at the time of the scrape', async () => {
    const metrics = createMetrics();
    let lag: number | undefined;
    metrics.sink('profiles').lag(() => lag);
    expect(await metrics.text()).not.toContain('keyferry_sink_lag_records{');
    lag = 12;
    expect(await metrics.text()).toContain('keyferry_sink_lag_records{sink="profiles"} 12\n');
    lag = undefined;
    expect(await metrics.text()).not.toContain('keyferry_sink_lag_records{');
  });

  test('tell the duration of the last reconcile once one has ended', async () => {
    const metrics = createMetrics();
    const source = metrics.source('a');
    expect(await metrics.text()).not.toContain('keyferry_reconcile_duration_seconds{');
    source.reconciled(12.5);
    expect(await metrics.text()).toContain('keyferry_reconcile_duration_seconds{source="a"} 12.5\n');
  });

  test('sort durations into buckets from half a millisecond to a minute', async () => {
    const metrics = createMetrics();
    const sink = metrics.sink('s');
    sink.endToEnd(0.0004);
    sink.endToEnd(0.003);
    sink.endToEnd(100);
    const text = await metrics.text();
    const bucket = (le: string) =>
      new RegExp(`keyferry_sink_end_to_end_seconds_bucket{le="${le}",sink="s"} (\\d)`).exec(text)?.[1];
    expect(['0.0005', '0.001', '0.005', '60', '\\+Inf'].map(bucket)).toEqual(['1', '1', '2', '2', '3']);
  });

  test('sort gaps that closed into buckets from a second to half a day, by cause', async () => {
    const metrics = createMetrics();
    const source = metrics.source('a');
    source.gapClosed('feed-lost', 0.4);
    source.gapClosed('feed-lost', 40_000);
    source.gapClosed('flush', 100);
    const text = await metrics.text();
    const buckets = (cause: string) =>
      [...text.matchAll(/^keyferry_source_gap_seconds_bucket\{le="(.*?)",source="a",cause="(.*?)"\} (\d)$/gm)]
        .filter(([, , of]) => of === cause)
        .map(([, le = '', , count = '']) => `${le}: ${count}`);
    const shorter = ['5: 1', '15: 1', '60: 1', '300: 1', '900: 1', '3600: 1', '14400: 1'];
    expect(buckets('feed-lost')).toEqual(['1: 1', ...shorter, '43200: 2', '+Inf: 2']);
    expect(text).toContain('keyferry_source_gap_seconds_sum{source="a",cause="flush"} 100\n');
    expect(text).toContain('keyferry_source_gap_seconds_count{source="a",cause="start"} 0\n');
  });

  test('take a duration that a step of the clock made negative for none', async () => {
    const metrics = createMetrics();
    metrics.source('a').endToEnd(-3);
    expect(await metrics.text()).toContain('keyferry_source_end_to_end_seconds_sum{source="a"} 0\n');
  });

  test('tell what servers of Redis say of themselves, each once, and only what they say', async () => {
    const metrics = createMetrics();
    const load = { usedMemoryBytes: 900, maxMemoryBytes: undefined, evictedKeys: 7 };
    metrics.redis.servers(() => [{ address: 'a:1', ...load }]);
    metrics.redis.servers(() => [
      { address: 'a:1', ...load },
      { address: 'b:2', usedMemoryBytes: 1, maxMemoryBytes: 2, evictedKeys: undefined },
    ]);
    for (let scrape = 0; scrape < 2; scrape += 1) {
      const text = await metrics.text();
      const series = text.match(/^keyferry_redis_(used|max|evicted).*$/gm);
      expect(series).toEqual([
        'keyferry_redis_used_memory_bytes{redis="a:1"} 900',
        'keyferry_redis_used_memory_bytes{redis="b:2"} 1',
        'keyferry_redis_maxmemory_bytes{redis="b:2"} 2',
        'keyferry_redis_evicted_keys_total{redis="a:1"} 7',
      ]);
    }
  });

  test('tell whether the daemon is ready, its version, and what it may use', async () => {
    const metrics = createMetrics();
    let isReady = false;
    metrics.daemon({ version: '1.2.3', isReady: () => isReady });
    expect(await metrics.text()).toContain('keyferry_ready 0\n');
    isReady = true;
    const text = await metrics.text();
    expect(text).toContain('keyferry_ready 1\n');
    expect(text).toContain('keyferry_build_info{version="1.2.3"} 1\n');
    expect(text).toMatch(/^keyferry_heap_limit_bytes [1-9]\d{7,}$/m);
  });

  test('show how full the set of waiting keys is, beside its bound', async () => {
    const metrics = createMetrics();
    metrics.source('a').pendingBytes(() => 1_000, 64_000_000);
    const text = await metrics.text();
    expect(text).toContain('keyferry_source_pending_bytes{source="a"} 1000\n');
    expect(text).toContain('keyferry_source_pending_limit_bytes{source="a"} 64000000\n');
  });
});
