import { describe, expect, it } from 'vitest';
import { ComparisonProgress } from '../../../../src/cli/terminal/comparison-progress.ts';
import { LiveLine } from '../../../../src/cli/terminal/live-line.ts';
import { progressText } from '../../../../src/cli/terminal/progress-bar.ts';
import { runLine } from '../../../../src/cli/terminal/run-line.ts';
import type { DaemonStatus, Snapshot } from '../../../../src/rest/live/status.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { sinkStatus, sourceStatus } from '../../../support/flow-statuses.ts';

describe('a progress bar', () => {
  it.each([
    [{ done: 0, estimated: 1_000, remainingMs: null }, '[....................]  0 %  0 of about 1,000 keys'],
    [
      { done: 240_113, estimated: 1_200_000, remainingMs: 12_000 },
      '[####................] 20 %  240,113 of about 1,200,000 keys, 12 s left',
    ],
    [
      { done: 1_500, estimated: 1_000, remainingMs: 0 },
      '[####################]100 %  1,500 of about 1,500 keys, 0 ms left',
    ],
    [{ done: 0, estimated: 0, remainingMs: null }, '[####################]100 %  0 of about 0 keys'],
  ])('of %j', (progress, text) => {
    expect(progressText(progress)).toBe(text);
  });
});

const flow = sourceStatus({ now: { perSecond: 1_204.4, p50Ms: 1, p99Ms: 3.1 }, pending: 12, behindMs: 1 });
const sink = sinkStatus({ now: { perSecond: 9, p50Ms: null, p99Ms: 7 }, lag: 5 });
const status: DaemonStatus = {
  version: '1',
  startedAt: 0,
  at: 0,
  ready: true,
  summary: { state: 'in-sync', text: 'In sync, 1 ms behind' },
  sources: [flow],
  sinks: [sink],
};
const textOf = (now: Partial<DaemonStatus>): string =>
  runLine({ ...status, ...now })
    .map(({ text }) => text)
    .join('');

describe('the line of a running daemon', () => {
  it('tells the state, the rates, the slowest hundredth, what waits, and gaps', () => {
    expect(textOf({})).toBe('in sync  to kafka 1,204/s  to redis 9/s  p99 7 ms  pending 12  lag 5  gaps 0');
  });

  it('leaves out what there is none of', () => {
    expect(textOf({ sinks: [] })).toBe('in sync  to kafka 1,204/s  p99 3.1 ms  pending 12  gaps 0');
    const unknown = { ...sink, now: { perSecond: 0, p50Ms: null, p99Ms: null }, lag: null };
    expect(textOf({ sources: [], sinks: [unknown] })).toBe('in sync  to redis 0/s  p99 -  lag -');
    const empty = { state: 'empty', text: 'Nothing to do: no source and no sink is configured' } as const;
    expect(textOf({ sources: [], sinks: [], summary: empty })).toBe('nothing to do');
  });

  it('shows how far a repair is, and says what else is wrong', () => {
    const gaps = [{ cause: 'start', scope: 'all db0', openedAt: 0 }] as const;
    const repair = { keysDone: 1, keysEstimated: 4, remainingMs: null };
    const repairing = { sources: [{ ...flow, gaps, repair }], summary: { state: 'repairing', text: 'Gap' } as const };
    expect(textOf(repairing)).toMatch(/^repairing .* gaps 1 {2}\[#####\.{15}\] 25 % {2}1 of about 4 keys$/);
    const away = { state: 'disconnected', text: 'Kafka is out of reach for 8 s' } as const;
    expect(textOf({ summary: away })).toMatch(/^disconnected .* {2}Kafka is out of reach for 8 s$/);
  });

  describe('shows how far a snapshot is', () => {
    const snapshot: Snapshot = { id: 'x', match: null, done: 1, total: 4, startedAt: 0, endedAt: null };
    const taking = (changes: Partial<Snapshot> = {}): Pick<DaemonStatus, 'sources'> => ({
      sources: [flow, { ...flow, snapshot: { ...snapshot, ...changes } }],
    });
    const bar = / {2}snapshot \[#####\.{15}\] 25 % {2}1 of about 4 keys$/;

    it('while nothing else is the matter, and from its first moment', () => {
      expect(textOf(taking())).toMatch(/^in sync .* gaps 0 {2}snapshot \[/);
      expect(textOf(taking())).toMatch(bar);
      expect(textOf(taking({ match: 'user:*' }))).toMatch(/ gaps 0 {2}snapshot of user:\* \[#####\.{15}\] 25 % /);
      expect(textOf(taking({ done: 0, total: 0 }))).toMatch(/ snapshot \[\.{20}\] {2}0 % {2}0 of about 1 keys$/);
    });

    it('behind what is wrong, and in place of the reconcile that goes through the same keys', () => {
      const paused = { state: 'paused', text: 'Paused: all-keys' } as const;
      expect(textOf({ ...taking(), summary: paused })).toMatch(/^paused .* {2}Paused: all-keys {2}snapshot \[/);
      const repair = { keysDone: 2, keysEstimated: 4, remainingMs: null };
      const sources = taking().sources.map((source) => ({ ...source, repair }));
      const line = textOf({ sources, summary: { state: 'repairing', text: 'Gap' } });
      expect(line).toMatch(bar);
      expect(line).not.toContain('50 %');
    });

    it('and no longer', () => {
      expect(textOf({ sources: [{ ...flow, snapshot: { ...snapshot, endedAt: 1 } }] })).toMatch(/ gaps 0$/);
      expect(textOf({ sources: [{ ...flow, snapshot: null }] })).toMatch(/ gaps 0$/);
    });
  });
});

describe('the progress of a comparison', () => {
  it('is drawn ten times a second at most, with the time to go', async () => {
    const clock = new FakeClock();
    const writes: string[] = [];
    const write = (text: string): void => {
      writes.push(text);
    };
    const line = new LiveLine({ write, isStuck: () => false, columns: () => 100, hasColours: false });
    const progress = new ComparisonProgress('all db0', { line, clock });
    progress.reading(1_000);
    progress.compared(1, 1_000);
    await clock.advance(100);
    progress.compared(100, 1_000);
    await clock.advance(900);
    progress.compared(550, 1_000);
    expect(writes).toHaveLength(3);
    expect(writes[0]).toContain('all db0  reading the topic: 1,000 records');
    expect(writes[2]).toContain('55 %  550 of about 1,000 keys, 736 ms left');
  });

  it('does nothing without a terminal', () => {
    const progress = new ComparisonProgress('all db0', { line: undefined, clock: new FakeClock() });
    progress.reading(1);
    progress.compared(1, 2);
    progress.end();
  });
});
