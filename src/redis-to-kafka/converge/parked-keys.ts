import type { Clock } from '../../core/clock.ts';
import type { KeyName } from '../../core/key-name.ts';
import type { PendingKeys, Touch } from './pending-keys.ts';

/** So many keys that cannot be read now are tried again, so often: enough to notice, too few to keep anybody busy. */
const RELEASED = 500;
const RELEASE_EVERY_MS = 200;
/** The part of the pending set's bound that they may take: the keys of other masters need the rest (I9). */
const MOST_SHARE = 0.2;
/** So long may a reconcile wait for a key that cannot be read: other masters' reconciles wait for theirs. */
const RECONCILE_WAITS_MS = 10_000;

export interface ParkedKeysOptions {
  readonly pending: PendingKeys;
  readonly clock: Clock;
  /** A dirty key is forgotten: whoever has it now opens a gap (I1). */
  readonly onForgotten: (key: KeyName) => void;
}

/**
 * Keys in flight that could not be read: the master that has them is away. They wait aside while others flow. One too
 * many, or one that holds a reconcile up for long, is forgotten: a reconcile finds it once its master is back.
 */
export class ParkedKeys {
  readonly #options: ParkedKeysOptions;
  readonly #keys: (readonly [KeyName, Touch])[] = [];
  /** Of the pending set's bound. */
  #share = 0;
  readonly #stopTicking: () => void;

  constructor(options: ParkedKeysOptions) {
    this.#options = options;
    this.#stopTicking = options.clock.every(RELEASE_EVERY_MS, () => {
      this.release(RELEASED);
    });
  }

  get size(): number {
    return this.#keys.length;
  }

  park(key: KeyName, touch: Touch): void {
    const { pending, onForgotten } = this.#options;
    if (this.#isTooMuch(touch)) {
      // First the gap: a reconcile that ends with this key must not close it (I3).
      onForgotten(key);
      pending.forget(key, touch);
      return;
    }
    this.#share += pending.shareOf(key);
    this.#keys.push([key, touch]);
  }

  /** They wait to be read again, the longest parked ones first. */
  release(limit = Infinity): void {
    const { pending } = this.#options;
    for (const [key, touch] of this.#keys.splice(0, limit)) {
      this.#share -= pending.shareOf(key);
      pending.giveBack(key, touch);
    }
  }

  close(): void {
    this.#stopTicking();
  }

  #isTooMuch(touch: Touch): boolean {
    const now = this.#options.clock.monotonic();
    touch.unreadSince ??= now;
    // Whoever awaits a key is told only once Kafka has it, and is bounded elsewhere.
    if (touch.awaiting !== undefined) return false;
    return this.#share >= MOST_SHARE || (touch.reconcile !== 0 && now - touch.unreadSince >= RECONCILE_WAITS_MS);
  }
}
