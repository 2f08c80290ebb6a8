import type { KeyName } from '../../core/key-name.ts';
import type { Found, LargeRead } from './key-source.ts';
import type { PendingBatch, Touch } from './pending-keys.ts';

interface LargeKey {
  readonly key: KeyName;
  readonly touch: Touch;
  readonly read: LargeRead;
}

export interface LargeKeysOptions {
  readonly signal: AbortSignal;
  /** Deals with what was found under the one key of the batch, until Kafka has it. */
  readonly carry: (batch: PendingBatch, found: Found) => Promise<void>;
}

/**
 * Keys that take long to read, one after the other, each until Kafka has it: none of the others waits for them, and one
 * of them at a time is in memory (I9). Up to then they are in flight, so that nobody else reads them (I2).
 */
export class LargeKeys {
  readonly #options: LargeKeysOptions;
  readonly #waiting: LargeKey[] = [];
  #carrying: Promise<void> | undefined;

  constructor(options: LargeKeysOptions) {
    this.#options = options;
  }

  add(large: LargeKey): void {
    this.#waiting.push(large);
    this.#carrying ??= this.#carryAll();
  }

  /** Resolves when none is under way. After the signal none is begun. */
  async done(): Promise<void> {
    await this.#carrying;
  }

  async #carryAll(): Promise<void> {
    const { carry, signal } = this.#options;
    for (;;) {
      const next = this.#waiting.shift();
      if (next === undefined || signal.aborted) break;
      await carry({ keys: [next.key], touches: [next.touch] }, await next.read());
    }
    this.#carrying = undefined;
  }
}
