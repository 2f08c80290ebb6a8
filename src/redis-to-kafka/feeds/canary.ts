import { slotOf } from '../../clients/redis/cluster/slots.ts';
import type { RedisConnection, SlotRange } from '../../clients/redis/port.ts';
import { hasSlot } from '../../clients/redis/slot-ranges.ts';
import type { Clock } from '../../core/clock.ts';
import type { GapCause } from '../../core/gap.ts';
import { type KeyName, RESERVED_PREFIX, keyBytes } from '../../core/key-name.ts';

/** A canary that did not come back by then is missing. Generous: a full feed delays it like everything else. */
const RETURN_WITHIN_MS = 5_000;

export interface CanaryOptions {
  /** To the master whose feed is tried. */
  readonly redis: RedisConnection;
  /** Its slots: the key must be in one of them. */
  readonly slots: readonly SlotRange[];
  readonly source: string;
  readonly db: number;
  readonly clock: Clock;
  /** How long one was under way, or was waited for in vain. */
  readonly onWaited: (seconds: number) => void;
  readonly onTrouble: (cause: GapCause) => void;
}

/**
 * A key that the daemon itself writes, to see it come back through the feed: it proves that the feed is alive. Its value
 * names its database, so that a database that was swapped (SWAPDB tells nobody) or replaced is found by its canary.
 */
export class Canary {
  readonly #options: CanaryOptions;
  /** undefined while the master has no slots: nothing can be written there. */
  #key: KeyName | undefined;
  readonly #value: string;
  #sentAt: number | undefined;
  /**
   * When others were due while this one was under way. Left out of the measure, slow moments would count once, and quick
   * ones each time (coordinated omission).
   */
  #skippedAt: number[] = [];
  #wasWritten = false;

  constructor(options: CanaryOptions) {
    this.#options = options;
    this.#value = `db${options.db}`;
    this.#key = canaryKey(options.source, options.slots);
  }

  set slots(slots: readonly SlotRange[]) {
    const key = canaryKey(this.#options.source, slots);
    if (key === this.#key) return;
    this.#key = key;
    this.reset();
    this.forget();
  }

  isKey(key: KeyName): boolean {
    return key === this.#key;
  }

  /** The feed brought a notification for its key. */
  returned(): void {
    if (this.#sentAt === undefined) return;
    this.#settle(this.#sentAt);
  }

  /** The feed was interrupted: what is on its way may be lost, and that is known already. */
  reset(): void {
    this.#sentAt = undefined;
    this.#skippedAt = [];
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
    if (this.#key === undefined) return;
    const now = clock.monotonic();
    if (this.#sentAt !== undefined) {
      if (now - this.#sentAt < RETURN_WITHIN_MS) {
        this.#skippedAt.push(now);
        return;
      }
      this.#settle(this.#sentAt);
      onTrouble('canary-missing');
    }
    this.#sentAt = now;
    let before;
    try {
      before = await redis.call('SET', keyBytes(this.#key), this.#value, 'GET');
    } catch (error) {
      this.reset();
      throw error;
    }
    const found = Buffer.isBuffer(before) ? before.toString('latin1') : undefined;
    if (found !== undefined && found !== this.#value) onTrouble('swapdb');
    else if (found === undefined && this.#wasWritten) onTrouble('dataset-replaced');
    this.#wasWritten = true;
  }

  /** A canary came, or will not. Those that were not sent meanwhile would have waited for what was left of the time. */
  #settle(sentAt: number): void {
    const { clock, onWaited } = this.#options;
    const now = clock.monotonic();
    for (const at of [...this.#skippedAt.reverse(), sentAt]) onWaited((now - at) / 1000);
    this.reset();
  }
}

/** The first of a row of names whose slot is among those. */
const canaryKey = (source: string, slots: readonly SlotRange[]): KeyName | undefined => {
  const name = `${RESERVED_PREFIX}canary:${Buffer.from(source, 'utf8').toString('latin1')}`;
  if (slots.length === 0) return undefined;
  for (let n = 0; ; n += 1) {
    const key = (n === 0 ? name : `${name}:{${n}}`) as KeyName;
    if (hasSlot(slots, slotOf(keyBytes(key)))) return key;
  }
};
