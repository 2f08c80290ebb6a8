import { countText, durationText } from '../../core/words.ts';
import type { DaemonStatus, FlowStatus, SummaryState } from '../../rest/live/status.ts';
import type { Segment } from './live-line.ts';
import { progressText } from './progress-bar.ts';

const STATES: Record<SummaryState, { readonly text: string; readonly style: Segment['style'] }> = {
  'in-sync': { text: 'in sync', style: 'green' },
  repairing: { text: 'repairing', style: 'yellow' },
  behind: { text: 'behind', style: 'yellow' },
  disconnected: { text: 'disconnected', style: 'red' },
  paused: { text: 'paused', style: 'cyan' },
  empty: { text: 'nothing to do', style: 'cyan' },
};
const GAP = '  ';

/** What matters most first, since a narrow terminal cuts the rest. */
export const runLine = ({ summary, sources, sinks }: DaemonStatus): readonly Segment[] => {
  const flows = [...sources, ...sinks];
  const gaps = sources.reduce((sum, source) => sum + source.gaps.length, 0);
  const { text, style } = STATES[summary.state];
  const figures = [
    ...rate('to kafka', sources),
    ...rate('to redis', sinks),
    ...(flows.length === 0 ? [] : [slowest(flows)]),
    ...waiting(
      'pending',
      sources.map(({ pending }) => pending),
    ),
    ...waiting(
      'lag',
      sinks.map(({ lag }) => lag),
    ),
  ];
  return [
    { text, style },
    { text: [...figures.map((figure) => GAP + figure)].join('') },
    ...(sources.length === 0
      ? []
      : [{ text: `${GAP}gaps ${gaps}`, style: gaps > 0 ? ('yellow' as const) : undefined }]),
    ...detail({ summary, sources }),
  ];
};

const rate = (what: string, flows: readonly FlowStatus[]): readonly string[] => {
  if (flows.length === 0) return [];
  const perSecond = flows.reduce((sum, { now }) => sum + now.perSecond, 0);
  return [`${what} ${countText(perSecond)}/s`];
};

const slowest = (flows: readonly FlowStatus[]): string => {
  const known = flows.flatMap(({ now }) => now.p99Ms ?? []);
  return `p99 ${known.length === 0 ? '-' : durationText(Math.max(...known))}`;
};

const waiting = (what: string, counts: readonly (number | null | undefined)[]): readonly string[] => {
  if (counts.length === 0) return [];
  const known = counts.filter((count) => typeof count === 'number');
  return [`${what} ${known.length === 0 ? '-' : countText(known.reduce((sum, count) => sum + count, 0))}`];
};

/** What is wrong, and how far the work under way is: a snapshot, else the reconcile that closes a gap. */
const detail = ({ summary, sources }: Pick<DaemonStatus, 'summary' | 'sources'>): readonly Segment[] => {
  const { state, text } = summary;
  const bar = snapshotBar(sources) ?? (state === 'repairing' ? repairBar(sources) : undefined);
  const isSaid = state === 'in-sync' || state === 'empty' || (state === 'repairing' && bar !== undefined);
  return [...(isSaid ? [] : [{ text: GAP + text, style: 'dim' as const }]), ...(bar === undefined ? [] : [bar])];
};

const snapshotBar = (sources: readonly FlowStatus[]): Segment | undefined => {
  const snapshot = sources.flatMap((source) => source.snapshot ?? []).find(({ endedAt }) => endedAt === null);
  if (snapshot === undefined) return undefined;
  const { match, done, total } = snapshot;
  const what = match === null ? 'snapshot' : `snapshot of ${match}`;
  // Before the keys are counted none is done.
  const bar = progressText({ done, estimated: Math.max(total, 1), remainingMs: null });
  return { text: `${GAP}${what} ${bar}`, style: 'cyan' };
};

const repairBar = (sources: readonly FlowStatus[]): Segment | undefined => {
  const repair = sources.find((source) => source.repair !== null)?.repair;
  if (!repair) return undefined;
  const { keysDone: done, keysEstimated: estimated, remainingMs } = repair;
  return { text: GAP + progressText({ done, estimated, remainingMs }), style: 'yellow' };
};
