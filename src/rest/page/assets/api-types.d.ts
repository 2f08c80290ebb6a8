/** What the daemon answers under /api/v1, as the page reads it. Times are Unix ms. */
import type { DaemonStatus, FlowStatus } from '../../live/status.ts';

export type { FlowNow, FlowState, PastGap, Summary, SummaryState } from '../../live/status.ts';
export type { TailPortion, TailedChange } from '../../live/tailed-change.ts';

export interface Snapshot {
  readonly id: string;
  readonly match: string | null;
  readonly done: number;
  /** An estimate. */
  readonly total: number;
  readonly startedAt: number;
  readonly endedAt: number | null;
}

/** A source or a sink. */
export interface Flow extends FlowStatus {
  /** Of a keyspace source. */
  readonly snapshot?: Snapshot | null;
}

export interface Status extends DaemonStatus {
  readonly sources: readonly Flow[];
  readonly sinks: readonly Flow[];
}

export interface DeadLetter {
  readonly id: string;
  /** The source or sink that put it aside. */
  readonly flow: string | null;
  /** An error code. */
  readonly cause: string | null;
  readonly message: string | null;
  readonly at: number;
  readonly key: string | null;
  readonly keyEncoding?: 'base64';
  readonly bytes: number | null;
}
