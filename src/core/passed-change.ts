import type { KeyName } from './key-name.ts';

/** What a flow has carried to the other side, where it is safe now. */
export interface PassedChange {
  /** The Redis key: of a stream or list its name. */
  readonly key: KeyName;
  /** `set`, `del`, `expired`, `evicted`, `flushed`; of streams and lists `add`. */
  readonly op: string;
  /** As Redis' TYPE names it; of a key that is gone, what it was. */
  readonly type: string;
  /** As it travels; null: there is none. */
  readonly value: Buffer | null;
  readonly latencyMs: number;
}

/** Where a flow tells what passed it. */
export interface ChangeWatch {
  /** Whether anybody looks: asked before what `passed` takes is made, so that nobody looking costs nothing. */
  readonly isWatched: boolean;
  passed(change: PassedChange): void;
}
