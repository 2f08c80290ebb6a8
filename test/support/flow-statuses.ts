import type { FlowStatus } from '../../src/rest/live/status.ts';

/** A source that runs, and has nothing to do. */
export const sourceStatus = (changes: Partial<FlowStatus> = {}): FlowStatus => ({
  name: 'all-keys',
  type: 'keyspace',
  state: 'running',
  phase: 'running',
  paused: false,
  now: { perSecond: 0, p50Ms: null, p99Ms: null },
  records: 0,
  unchanged: 0,
  filtered: 0,
  deadLetters: 0,
  pending: 0,
  behindMs: 12,
  lastError: null,
  reasons: [],
  waitingSince: null,
  gaps: [],
  gapHistory: [],
  repair: null,
  ...changes,
});

export const sinkStatus = (changes: Partial<FlowStatus> = {}): FlowStatus => ({
  ...sourceStatus(),
  name: 'copy',
  type: 'sink',
  behindMs: null,
  lag: 0,
  ...changes,
});
