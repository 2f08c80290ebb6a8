import type { Gap } from '../core/gap.ts';
import type { SinkStatus } from '../kafka-to-redis/flow.ts';
import type { Figures } from '../observability/flow-figures.ts';
import type { KeyspaceSourceStatus } from '../redis-to-kafka/flow.ts';
import type { ListSourceStatus } from '../redis-to-kafka/lists/list-source.ts';
import type { StreamSourceStatus } from '../redis-to-kafka/streams/stream-source.ts';
import type { FlowState, FlowStatus, PastGap, Repair } from '../rest/live/status.ts';
import type { FlowJournal } from './flow-journal.ts';

/** What a flow tells of itself. */
export type FlowReport = KeyspaceSourceStatus | StreamSourceStatus | ListSourceStatus | SinkStatus;

/** What is known of a flow from elsewhere. */
export interface FlowSurroundings {
  /** Unix ms. */
  readonly at: number;
  readonly figures: Figures | undefined;
  readonly journal: FlowJournal;
  readonly reasons: readonly string[];
  /** Unix ms. */
  readonly waitingSince: number | undefined;
}

const NO_FIGURES: Figures = {
  records: 0,
  unchanged: 0,
  filtered: 0,
  deadLetters: 0,
  now: { perSecond: 0, p50Ms: null, p99Ms: null },
};
const MAX_GAP_HISTORY = 50;

/** Everything that the API tells of a flow: its own report, and what all flows have in common. */
export const flowStatus = (report: FlowReport, surroundings: FlowSurroundings): FlowStatus => {
  const { figures = NO_FIGURES, journal, reasons, waitingSince = null } = surroundings;
  const gaps = 'databases' in report ? report.databases.flatMap(({ gapsOpen }) => gapsOpen) : [];
  // Of these each type has its own notion, which `typical` puts in their place.
  const own: Omit<FlowReport, 'lag' | 'pending'> = report;
  return {
    ...own,
    ...typical(report, surroundings),
    state: stateOf(report, gaps, surroundings),
    phase: report.state,
    paused: report.paused,
    ...figures,
    lastError: journal.lastError,
    reasons,
    waitingSince,
    gaps,
    gapHistory: 'databases' in report ? gapHistory(report, gaps) : [],
    repair: 'databases' in report ? repairOf(report) : null,
  };
};

const stateOf = (report: FlowReport, gaps: readonly Gap[], { journal, reasons }: FlowSurroundings): FlowState => {
  if (journal.hasFailed) return 'failed';
  if (report.paused) return 'paused';
  if (report.state !== 'running' || reasons.length > 0) return 'waiting';
  return gaps.length > 0 ? 'repairing' : 'running';
};

type Typical = Pick<FlowStatus, 'type' | 'pending' | 'lag' | 'behindMs' | 'snapshot'>;

/** What is counted in each type's own way. */
const typical = (report: FlowReport, { at, journal, figures }: FlowSurroundings): Typical => {
  const passedMs = figures?.now.p50Ms ?? null;
  if (!('type' in report)) return { type: 'sink', ...sinkLag(report), behindMs: passedMs };
  switch (report.type) {
    case 'keyspace': {
      const pending = report.databases.reduce((sum, { keysPending }) => sum + keysPending, 0);
      const oldest = Math.min(...report.databases.map(({ oldestChangeAt = Infinity }) => oldestChangeAt));
      return {
        type: report.type,
        pending,
        behindMs: oldest === Infinity ? journal.canaryMs : Math.max(0, at - oldest),
        snapshot: report.snapshot,
      };
    }
    case 'stream':
      return {
        type: report.type,
        lag: report.lag ?? null,
        pending: sumOf([report.lag, report.pending]),
        behindMs: passedMs,
      };
    case 'list':
      return { type: report.type, pending: sumOf([report.length, report.inFlight]), behindMs: passedMs };
  }
};

/** null where a part is not known. */
const sumOf = (parts: readonly (number | undefined)[]): number | null =>
  parts.reduce<number | null>((sum, part) => (sum === null || part === undefined ? null : sum + part), 0);

const sinkLag = ({ lag }: SinkStatus) => {
  const parts = Object.values(lag);
  return { lag: parts.length === 0 ? null : sumOf(parts), lagByPartition: lag };
};

const gapHistory = ({ databases }: KeyspaceSourceStatus, open: readonly Gap[]): readonly PastGap[] => {
  const closed = databases.flatMap(({ gapsClosed }) => gapsClosed);
  return [...open.map((gap) => ({ ...gap, closedAt: null })), ...closed]
    .toSorted((one, other) => other.openedAt - one.openedAt)
    .slice(0, MAX_GAP_HISTORY);
};

const repairOf = ({ databases }: KeyspaceSourceStatus): Repair | null => {
  const running = databases.flatMap(({ reconcile }) => reconcile ?? []);
  if (running.length === 0) return null;
  const sum = (of: (one: (typeof running)[number]) => number): number =>
    running.reduce((total, one) => total + of(one), 0);
  const remaining = running.flatMap(({ remainingMs }) => remainingMs ?? []);
  const keysDone = sum((one) => one.keysDone);
  return {
    keysDone,
    // Keys that it publishes are among those that it goes through then.
    keysEstimated: Math.max(
      sum((one) => one.keysEstimated),
      keysDone,
    ),
    remainingMs: remaining.length === 0 ? null : Math.max(...remaining),
  };
};
