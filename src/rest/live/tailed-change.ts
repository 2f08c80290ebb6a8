/** A change as it is told. */
export interface TailedChange {
  /** Unix ms. */
  readonly at: number;
  /** The one of the two that it passed. */
  readonly source?: string;
  readonly sink?: string;
  /** UTF-8, or base64 where `keyEncoding` says so; cut where `keyBytes` tells how long it is. */
  readonly key: string;
  readonly keyEncoding?: 'base64';
  readonly keyBytes?: number;
  readonly op: string;
  readonly type: string;
  /** Of the value. */
  readonly bytes: number;
  readonly latencyMs: number;
  /** Cut; only where values are shown. */
  readonly value?: string;
}

/** What came since the last `take`: at most 50 changes, and how many more. */
export interface TailPortion {
  readonly changes: readonly TailedChange[];
  readonly skipped: number;
}
