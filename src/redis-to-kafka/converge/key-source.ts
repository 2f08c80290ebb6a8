import type { KeyName } from '../../core/key-name.ts';
import type { KeyState } from '../../core/key-state.ts';

/** What was found under a key: its state; undefined where the key is gone; 'later' where this turn had no room for it. */
export type Found = KeyState | undefined | 'later';

/**
 * Reads keys' states, each key atomically, none holding Redis up for more than about 10 ms. Rejects as a whole with
 * KF_REDIS_UNAVAILABLE when the connection went away: nothing is then known of any key of the batch.
 */
export interface KeySource {
  /** One result per key, in order. */
  read(keys: readonly KeyName[]): Promise<readonly Found[]>;
  /** Which of the keys exist, cheaply, in order. */
  exist(keys: readonly KeyName[]): Promise<readonly boolean[]>;
}
