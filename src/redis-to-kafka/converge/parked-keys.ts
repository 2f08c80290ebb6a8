import type { Clock } from '../../core/clock.ts';
import type { KeyName } from '../../core/key-name.ts';
import type { PendingKeys, Touch } from './pending-keys.ts';

/** So many keys that cannot be read now are tried again, so often: enough to notice, too few to keep anybody busy. */
const RELEASED = 500;
const RELEASE_EVERY_MS = 200;

/** Keys in flight that could not be read: the master that has them is away. They wait aside while others flow. */
export class ParkedKeys {
  readonly #pending: PendingKeys;
  readonly #keys: (readonly [KeyName, Touch])[] = [];
  readonly #stopTicking: () => void;

  constructor(pending: PendingKeys, clock: Clock) {
    this.#pending = pending;
    this.#stopTicking = clock.every(RELEASE_EVERY_MS, () => {
      this.release(RELEASED);
    });
  }

  get size(): number {
    return this.#keys.length;
  }

  park(key: KeyName, touch: Touch): void {
    this.#keys.push([key, touch]);
  }

  /** They wait to be read again, the longest parked ones first. */
  release(limit = Infinity): void {
    for (const [key, touch] of this.#keys.splice(0, limit)) this.#pending.giveBack(key, touch);
  }

  close(): void {
    this.#stopTicking();
  }
}
