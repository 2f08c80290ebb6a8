import type { RedisConnection } from '../../clients/redis/port.ts';
import type { Clock } from '../../core/clock.ts';
import type { GapCause } from '../../core/gap.ts';
import { type KeyName, RESERVED_PREFIX } from '../../core/key-name.ts';

/** A canary that did not come back by then is missing. Generous: a full feed delays it like everything else. */
const RETURN_WITHIN_MS = 5_000;

export interface CanaryOptions {
  readonly redis: RedisConnection;
  readonly source: string;
  readonly db: number;
  readonly clock: Clock;
  readonly onReturn: (seconds: number) => void;
  readonly onTrouble: (cause: GapCause) => void;
}

/**
 * A key that the daemon itself writes, to see it come back through the feed: it proves that the feed is alive. Its value
 * names its database, so that a database that was swapped (SWAPDB tells nobody) or replaced is found by its canary.
 */
export class Canary {
  readonly key: KeyName;
  readonly #options: CanaryOptions;
  readonly #value: string;
  #sentAt: number | undefined;
  #wasWritten = false;

  constructor(options: CanaryOptions) {
    this.#options = options;
    this.key = `${RESERVED_PREFIX}canary:${Buffer.from(options.source, 'utf8').toString('latin1')}` as KeyName;
    this.#value = `db${options.db}`;
  }

  /** The feed brought a notification for `key`. */
  returned(): void {
    if (this.#sentAt === undefined) return;
    this.#options.onReturn((this.#options.clock.monotonic() - this.#sentAt) / 1000);
    this.#sentAt = undefined;
  }

  /** The feed was interrupted: what is on its way may be lost, and that is known already. */
  reset(): void {
    this.#sentAt = undefined;
  }

  /** A FLUSHDB took the canary away, which is known from elsewhere. */
  forget(): void {
    this.#wasWritten = false;
  }

  /**
   * Looks whether the last one came back, and writes the next.
   * @throws as RedisConnection.call does.
   */
  async send(): Promise<void> {
    const { redis, clock, onTrouble } = this.#options;
    const now = clock.monotonic();
    if (this.#sentAt !== undefined) {
      if (now - this.#sentAt < RETURN_WITHIN_MS) return;
      this.#sentAt = undefined;
      onTrouble('canary-missing');
    }
    this.#sentAt = now;
    let before;
    try {
      before = await redis.call('SET', Buffer.from(this.key, 'latin1'), this.#value, 'GET');
    } catch (error) {
      this.#sentAt = undefined;
      throw error;
    }
    const found = Buffer.isBuffer(before) ? before.toString('latin1') : undefined;
    if (found !== undefined && found !== this.#value) onTrouble('swapdb');
    else if (found === undefined && this.#wasWritten) onTrouble('dataset-replaced');
    this.#wasWritten = true;
  }
}
