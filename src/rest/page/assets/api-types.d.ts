/** What the daemon answers under /api/v1, as the page reads it. Times are Unix ms. */
export type {
  DaemonStatus as Status,
  FlowNow,
  FlowState,
  FlowStatus as Flow,
  PastGap,
  Summary,
  SummaryState,
} from '../../live/status.ts';
export type { TailPortion, TailedChange } from '../../live/tailed-change.ts';

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
