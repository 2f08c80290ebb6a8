import type { ErrorCode } from '../../core/errors.ts';
import type { Gap, GapCause } from '../../core/gap.ts';

/**
 * `waiting`: it does not deliver, for one of its `reasons`; `repairing`: it delivers, and looks for what it may have missed;
 * `failed`: it ended, and the daemon with it.
 */
export type FlowState = 'running' | 'repairing' | 'paused' | 'waiting' | 'failed';

/** Over the last 10 s. */
export interface FlowNow {
  /** Records done with. */
  readonly perSecond: number;
  /** From a change seen to its record acknowledged; of a sink, from a record's timestamp to its state applied. null: nothing passed. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

/** Since the start; a record counts in one of them. */
export interface FlowTotals {
  /** Kafka has them, or Redis. */
  readonly records: number;
  /** What was looked at and needed no record, or had been applied before. */
  readonly unchanged: number;
  /** What a filter dropped, and in a sink what has nothing to apply. */
  readonly filtered: number;
  readonly deadLetters: number;
}

export interface LastError {
  readonly code: ErrorCode;
  readonly message: string;
  /** Unix ms. */
  readonly at: number;
}

export interface PastGap {
  readonly cause: GapCause;
  readonly scope: string;
  /** Unix ms. */
  readonly openedAt: number;
  /** Unix ms; null: still open. */
  readonly closedAt: number | null;
}

/** How far the reconciles under way have come. */
export interface Repair {
  readonly keysDone: number;
  readonly keysEstimated: number;
  /** Milliseconds to go; null: not known yet. */
  readonly remainingMs: number | null;
}

/** Keys that are published again, because somebody asked for it. */
export interface Snapshot {
  readonly id: string;
  /** A Redis glob; null: every key that the source carries. */
  readonly match: string | null;
  /** Keys gone through. */
  readonly done: number;
  /** Keys to go through in all, an estimate. */
  readonly total: number;
  /** Unix ms. */
  readonly startedAt: number;
  /** Unix ms; null: it is under way. */
  readonly endedAt: number | null;
}

/** What is told of every source and sink; each type adds its own. */
export interface FlowStatus extends FlowTotals {
  readonly name: string;
  readonly type: 'keyspace' | 'stream' | 'list' | 'sink';
  readonly state: FlowState;
  /** What it does, in its type's own words. */
  readonly phase: string;
  readonly paused: boolean;
  readonly now: FlowNow;
  /** Of a source: keys, entries or items that wait for Kafka; null: not known yet. */
  readonly pending?: number | null;
  /** Of a sink: records that wait for Redis; null: not known yet. */
  readonly lag?: number | null;
  /** How old the oldest change is that Kafka lacks; where none waits, how long the last canary took; null: not known. */
  readonly behindMs: number | null;
  readonly lastError: LastError | null;
  /** Why it does not deliver, and since when (Unix ms). */
  readonly reasons: readonly string[];
  readonly waitingSince: number | null;
  /** Those that are open. */
  readonly gaps: readonly Gap[];
  /** The latest 50, newest first. */
  readonly gapHistory: readonly PastGap[];
  /** null: none is under way. */
  readonly repair: Repair | null;
  /** Of a keyspace source: the one that is under way, or the last one since the start; null: there was none. */
  readonly snapshot?: Snapshot | null;
}

export type SummaryState = 'in-sync' | 'repairing' | 'behind' | 'disconnected' | 'paused' | 'empty';

/** The one sentence of truth. */
export interface Summary {
  readonly state: SummaryState;
  readonly text: string;
  /** Of the source that is furthest behind; absent: not known. */
  readonly behindMs?: number;
}

/** What /api/v1/status tells. */
export interface DaemonStatus {
  readonly version: string;
  /** Unix ms. */
  readonly startedAt: number;
  readonly at: number;
  readonly ready: boolean;
  readonly summary: Summary;
  readonly sources: readonly FlowStatus[];
  readonly sinks: readonly FlowStatus[];
}
