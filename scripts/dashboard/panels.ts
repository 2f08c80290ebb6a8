import { GLANCE } from './glance.ts';
import { type Section, gauge, graph, perSecond, quantiles } from './panel.ts';

/** What the dashboard shows, from top to bottom. */
export const SECTIONS: readonly Section[] = [
  GLANCE,
  {
    title: 'Redis keys to Kafka',
    panels: [
      graph(
        'Records',
        'ops',
        perSecond('source_records_total', 'source, op'),
        'Acknowledged by Kafka, by what became of the key.',
      ),
      graph(
        'Touches',
        'ops',
        perSecond('source_touches_total', 'source, cause'),
        'Suspicions that a key has changed. Many touches of one key make one read.',
      ),
      graph(
        'Change to Kafka',
        's',
        quantiles('source_end_to_end_seconds', 'source'),
        'From a change seen to its record acknowledged. While nothing is acknowledged it shows nothing: look at how far behind.',
      ),
      graph(
        'Write to notification',
        's',
        quantiles('source_canary_seconds', 'source'),
        'The canary: from its write in Redis to its notification. Added to the panel before, the whole way.',
      ),
      graph(
        'Behind',
        's',
        [['max by (source) (keyferry_source_behind_seconds{$})', '{{source}}']],
        'How long ago the oldest change was seen that Kafka lacks.',
      ),
      graph(
        'Keys that wait',
        'short',
        gauge('source_pending_keys', 'source'),
        'Dirty keys that are not yet read, or on their way to Kafka.',
      ),
      graph(
        'Room for waiting keys',
        'percentunit',
        [['keyferry_source_pending_bytes{$} / keyferry_source_pending_limit_bytes{$}', '{{source}}']],
        'What is taken of maxPendingBytes. When it is full, a gap opens and a reconcile finds the rest.',
      ),
      graph(
        'Gaps open',
        'short',
        gauge('source_gap_open', 'source'),
        'The topic may be behind Redis while it is above 0.',
      ),
      graph(
        'Gaps opened',
        'short',
        [
          [
            'sum by (source, cause) (increase(keyferry_source_gaps_total{$}[$__rate_interval]))',
            '{{source}} {{cause}}',
          ],
        ],
        'By cause. docs/guarantees.md tells what each means.',
      ),
      graph(
        'Gaps closed',
        's',
        [
          [
            'histogram_quantile(0.99, sum by (le, source, cause) (rate(keyferry_source_gap_seconds_bucket{$}[1h])))',
            '{{source}} {{cause}}',
          ],
        ],
        'How long all but one in a hundred stood open of those that closed in the last hour, by cause.',
      ),
      graph('Reconciled keys', 'ops', perSecond('reconcile_keys_total', 'source'), 'Keys that reconciles go through.'),
      graph(
        'Last reconcile',
        's',
        [['max by (source) (keyferry_reconcile_duration_seconds{$})', '{{source}}']],
        'How long the last one took: as long a gap stays open at least.',
      ),
      graph(
        'Not published',
        'ops',
        [
          ...perSecond('source_unchanged_total', 'source', '{{source}} unchanged'),
          ...perSecond('source_filtered_total', 'source', '{{source}} filtered'),
          ...perSecond('source_omitted_total', 'source', '{{source}} value too large'),
        ],
        'Keys read and found as published, touches that include and exclude drop, and values above maxValueBytes.',
      ),
    ],
  },
  {
    title: 'Redis Streams and lists to Kafka',
    panels: [
      graph(
        'Entries of streams',
        'ops',
        perSecond('stream_entries_total', 'source, outcome'),
        'Done with, by outcome.',
      ),
      graph(
        'Entries that wait',
        'short',
        [
          ['sum by (source) (keyferry_stream_group_lag{$})', '{{source}} not read'],
          ['sum by (source) (keyferry_stream_group_pending{$})', '{{source}} not acknowledged'],
        ],
        'Not read by the group yet, and read but not acknowledged.',
      ),
      graph('Items of lists', 'ops', perSecond('list_items_total', 'source, outcome'), 'Done with, by outcome.'),
      graph('Items that wait', 'short', gauge('list_length', 'source'), 'Items that stand in the lists.'),
      graph(
        'Groups of streams',
        'ops',
        [
          ...perSecond('stream_claimed_total', 'source', '{{source}} taken over'),
          ...perSecond('stream_trimmed_total', 'source', '{{source}} trimmed'),
          ...perSecond('stream_groups_remade_total', 'source', '{{source}} groups made again'),
        ],
        'Entries taken over from other consumers, entries trimmed, and groups that had gone.',
      ),
    ],
  },
  {
    title: 'Kafka to Redis',
    panels: [
      graph('Records', 'ops', perSecond('sink_records_total', 'sink, outcome'), 'Done with, by outcome.'),
      graph(
        'Lag',
        'short',
        gauge('sink_lag_records', 'sink'),
        'Records not yet applied, as the last batches told. Absent while the sink is out of its group.',
      ),
      graph(
        'Record to Redis',
        's',
        quantiles('sink_end_to_end_seconds', 'sink'),
        "From a record's timestamp to its state applied, of the oldest record of each batch.",
      ),
      graph(
        'Applying a batch',
        's',
        quantiles('sink_apply_seconds', 'sink'),
        'Processing time: from the first command to the last reply.',
      ),
      graph(
        'Dead letters',
        'short',
        [
          ['sum by (sink) (increase(keyferry_dead_letters_total{$, sink!=""}[$__rate_interval]))', '{{sink}}'],
          ['sum by (source) (increase(keyferry_dead_letters_total{$, source!=""}[$__rate_interval]))', '{{source}}'],
        ],
        'Records put aside because they cannot be applied, or published.',
      ),
    ],
  },
  {
    title: 'Redis and Kafka themselves',
    panels: [
      graph(
        'Redis commands',
        'ops',
        perSecond('redis_commands_total', 'kind'),
        'QPS (read) and TPS (write), as Keyferry sends them.',
      ),
      graph('Redis round trip', 's', quantiles('redis_command_seconds', ''), 'One command, pipeline or script.'),
      graph(
        'Redis memory',
        'bytes',
        [
          ['max by (redis) (keyferry_redis_used_memory_bytes{$})', '{{redis}} used'],
          ['max by (redis) (keyferry_redis_maxmemory_bytes{$})', '{{redis}} maxmemory'],
        ],
        'As each master tells. Where no limit is set, there is no second line.',
      ),
      graph(
        'Redis evictions',
        'ops',
        [['max by (redis) (rate(keyferry_redis_evicted_keys_total{$}[$__rate_interval]))', '{{redis}}']],
        'Keys that Redis drops for want of memory. On the topic each is a tombstone.',
      ),
      graph(
        'Send to Kafka',
        's',
        quantiles('kafka_produce_seconds', ''),
        'One send, to its acknowledgement by all in-sync replicas.',
      ),
      graph(
        'Failed sends',
        'ops',
        perSecond('kafka_produce_failures_total', 'code'),
        'By error code. A record that is too large is split off and made smaller; others are sent again.',
      ),
    ],
  },
  {
    title: 'Redis REST',
    panels: [
      graph(
        'Requests',
        'reqps',
        perSecond('rest_requests_total', 'route, status'),
        'Answered, by route and class of status.',
      ),
      graph(
        'Time to answer',
        's',
        quantiles('rest_request_seconds', 'kind'),
        'Reads, writes, and writes that waited for Kafka.',
      ),
      graph('Read through', 'ops', perSecond('rest_origin_total', 'outcome'), 'Keys fetched from their HTTP origin.'),
    ],
  },
  {
    title: 'The process',
    panels: [
      graph(
        'CPU',
        'percentunit',
        [['rate(process_cpu_seconds_total{$}[$__rate_interval])', '{{instance}}']],
        'Of one core. The event loop has one: near 100 % it is the bound.',
      ),
      graph(
        'Heap',
        'bytes',
        [
          ['nodejs_heap_size_used_bytes{$}', '{{instance}} used'],
          ['keyferry_heap_limit_bytes{$}', '{{instance}} limit'],
          ['process_resident_memory_bytes{$}', '{{instance}} resident'],
        ],
        'Resident memory counts pages of the state store, too, which the kernel takes back when it needs them.',
      ),
      graph(
        'Event loop delay, p99',
        's',
        [['nodejs_eventloop_lag_p99_seconds{$}', '{{instance}}']],
        'How late timers come: all latencies contain it.',
      ),
      graph(
        'Garbage collection',
        'percentunit',
        [
          [
            'sum by (instance, kind) (rate(nodejs_gc_duration_seconds_sum{$}[$__rate_interval]))',
            '{{instance}} {{kind}}',
          ],
        ],
        'Share of time spent in it.',
      ),
    ],
  },
];
