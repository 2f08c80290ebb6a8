import type { KeyName } from '../../core/key-name.ts';
import type { KeyState } from '../../core/key-state.ts';

/**
 * What was found under a key: its state; undefined where the key is gone; 'later' where this turn had no room for it; the
 * error where nothing is known of it, because the master that has it is away or refuses.
 */
export type Found = KeyState | undefined | 'later' | Error;

/** Reads a key that is too large to come with others; never rejects. */
export type LargeRead = () => Promise<Found>;

/** Reads keys' states, each key atomically, none holding Redis up for more than about 10 ms. */
export interface KeySource {
  /** One result per key, in order; for a large key, what reads it. Never rejects. */
  read(keys: readonly KeyName[]): Promise<readonly (Found | LargeRead)[]>;
  /**
   * Which of the keys exist, cheaply, in order; undefined for one that the user may not look at.
   * @throws KF_REDIS_UNAVAILABLE, KF_REDIS_PERMISSION, KF_REDIS_REFUSED, where that cannot be told of one of them.
   */
  exist(keys: readonly KeyName[]): Promise<readonly (boolean | undefined)[]>;
}
