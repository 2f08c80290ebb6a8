/** Why notifications may have been missed. */
export type GapCause =
  | 'start'
  | 'feed-lost'
  | 'master-changed'
  | 'pending-overflow'
  | 'canary-missing'
  | 'flush'
  | 'swapdb'
  | 'dataset-replaced'
  | 'notifications-off';

/**
 * A span of time in which changes may have gone unseen. It closes when a reconcile that began after the feed was back
 * has been published (I3).
 */
export interface Gap {
  readonly cause: GapCause;
  /** What is concerned, for people: `all-keys db0`. */
  readonly scope: string;
  /** Unix ms. */
  readonly openedAt: number;
}

export interface ClosedGap extends Gap {
  /** Unix ms. */
  readonly closedAt: number;
}
