import { describe, expect, it } from 'vitest';
import type { FlowStatus } from '../../../../src/rest/live/status.ts';
import { summarize } from '../../../../src/rest/live/summary.ts';
import { sinkStatus as sink, sourceStatus as source } from '../../../support/flow-statuses.ts';

const AT = 1_000_000;

const gap = { cause: 'feed-lost', scope: '10.0.0.3:6379', openedAt: AT - 14_000 } as const;

const summary = (sources: readonly FlowStatus[], sinks: readonly FlowStatus[] = [], kafkaAwaySince?: number) =>
  summarize({ at: AT, sources, sinks, kafkaAwaySince });

describe('the one sentence', () => {
  it('says that all is well, and how far behind that is', () => {
    expect(summary([source(), source({ behindMs: 3 })], [sink()])).toEqual({
      state: 'in-sync',
      text: 'In sync, 12 ms behind',
      behindMs: 12,
    });
    expect(summary([source({ behindMs: null })])).toEqual({ state: 'in-sync', text: 'In sync' });
  });

  it('says that there is nothing to do', () => {
    expect(summary([])).toMatchObject({ state: 'empty', text: 'Nothing to do: no source and no sink is configured' });
  });

  it('says what is being repaired, and how far that is', () => {
    const repair = { keysDone: 240_113, keysEstimated: 1_200_000, remainingMs: 5_000 };
    expect(summary([source({ state: 'repairing', gaps: [gap], repair })])).toMatchObject({
      state: 'repairing',
      text: 'Gap on 10.0.0.3:6379 for 14 s, repairing: 240,113 of about 1,200,000 keys',
    });
    const gaps = [{ ...gap, scope: 'other', openedAt: AT }, gap];
    expect(summary([source({ state: 'repairing', gaps })]).text).toBe(
      'Gap on 10.0.0.3:6379 for 14 s, to be repaired (and 1 more)',
    );
  });

  it('says that Kafka is away, and what waits for it, before anything that follows from that', () => {
    const sources = [
      source({ state: 'waiting', pending: 1_204, gaps: [gap], reasons: ['x'] }),
      source({ type: 'stream', pending: 1 }),
    ];
    expect(summary(sources, [sink()], AT - 8_000)).toMatchObject({
      state: 'disconnected',
      text: 'Kafka is out of reach for 8 s: 1,204 changed keys, 1 entry wait',
    });
    expect(summary([source()], [], AT - 200).text).toBe('Kafka is out of reach for 200 ms');
  });

  it('says what a flow waits for', () => {
    const reasons = ['the notification feed of Redis at 10.0.0.3:6379 is down'];
    const waiting = source({ state: 'waiting', reasons, waitingSince: AT - 3_000, gaps: [gap] });
    expect(summary([waiting], [sink({ state: 'waiting' })])).toMatchObject({
      state: 'disconnected',
      text: 'Source all-keys waits for 3 s: the notification feed of Redis at 10.0.0.3:6379 is down (and 1 more)',
    });
    expect(summary([source({ state: 'waiting', phase: 'starting' })]).text).toBe('Source all-keys waits: starting');
    expect(summary([], [sink({ state: 'failed', phase: 'stopped' })]).text).toBe('Sink copy failed: stopped');
  });

  it('says who is paused, unless something is worse', () => {
    const paused = source({ state: 'paused', paused: true, behindMs: 99_000, gaps: [gap], pending: 7 });
    expect(summary([paused])).toEqual({ state: 'paused', text: 'Paused: all-keys' });
    expect(summary([paused], [sink()]).text).toBe('Paused: all-keys; the other one runs');
    expect(summary([paused, source({ gaps: [gap] })])).toMatchObject({
      state: 'repairing',
      text: 'Gap on 10.0.0.3:6379 for 14 s, to be repaired',
    });
    expect(summary([paused], [sink({ lag: 5 })]).text).toBe('Sink copy is behind: 5 records wait');
  });

  it('says who is behind: a source of keys by its oldest change, others by what passes or does not', () => {
    expect(summary([source({ behindMs: 12_000, pending: 1_204 })])).toEqual({
      state: 'behind',
      text: 'Source all-keys is 12 s behind: 1,204 changed keys wait',
      behindMs: 12_000,
    });
    expect(summary([source({ behindMs: 999, pending: 70_000 })]).state).toBe('in-sync');
    const stuck = sink({ lag: 5 });
    expect(summary([source()], [stuck]).text).toBe('Sink copy is behind: 5 records wait');
    const late = { perSecond: 9, p50Ms: 4_000, p99Ms: 4_000 };
    expect(summary([], [sink({ lag: 5, now: late, behindMs: 4_000 })]).text).toBe(
      'Sink copy is 4 s behind: 5 records wait',
    );
    expect(summary([], [sink({ lag: 5, now: { ...late, p50Ms: 3 } })]).state).toBe('in-sync');
  });
});
