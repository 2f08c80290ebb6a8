import { type Section, stat } from './panel.ts';

/** One figure each: whether somebody must look closer. */
export const GLANCE: Section = {
  title: 'At a glance',
  panels: [
    stat(
      'Not ready',
      'short',
      'count(keyferry_ready{$} == 0) or vector(0)',
      'Daemons whose /readyz is not 200: a feed, Redis or Kafka is out of reach.',
      [1, 1],
    ),
    stat(
      'Paused',
      'short',
      'sum(keyferry_flow_paused{$})',
      'Sources and sinks that rest because somebody wants them to.',
      [1, 100],
    ),
    stat(
      'Gaps open',
      'short',
      'sum(keyferry_source_gap_open{$})',
      'While one is open, the topic may be behind Redis. A reconcile closes it.',
      [1, 10],
    ),
    stat(
      'Records per second',
      'ops',
      'sum(rate(keyferry_source_records_total{$}[$__rate_interval]))',
      'Throughput: states of keys that Kafka acknowledged.',
    ),
    stat(
      'Behind',
      's',
      'max(keyferry_source_behind_seconds{$})',
      'How long ago the oldest change was seen that Kafka lacks.',
      [10, 60],
    ),
    stat(
      'Change to Kafka, p99',
      's',
      'histogram_quantile(0.99, sum by (le) (rate(keyferry_source_end_to_end_seconds_bucket{$}[$__rate_interval])))',
      'From a change seen to its record acknowledged, all sources together.',
      [1, 10],
    ),
    stat(
      'Behind in sinks',
      'short',
      'sum(keyferry_sink_lag_records{$})',
      'Records on the topics that are not yet applied to Redis.',
      [10_000, 1_000_000],
    ),
    stat(
      'Dead letters',
      'short',
      'sum(increase(keyferry_dead_letters_total{$}[$__range]))',
      'Records sent to a dead-letter topic in the time shown.',
      [1, 100],
    ),
  ],
};
