/** What one reply is to bring: a few milliseconds of work, and no more bytes than the publisher's queue may hold. */
const TARGET_ENTRIES = 2_000;
const TARGET_BYTES = 1_000_000;
/** What a reply may bring when all streams have much to give at once. */
const MAX_ENTRIES = 20_000;
const FIRST_COUNT = 100;

export interface LastRead {
  /** Entries that each stream was asked for. */
  readonly count: number;
  readonly entries: number;
  readonly bytes: number;
  /** Some stream gave as many as it was asked for: it may have more. */
  readonly isFull: boolean;
}

/**
 * How many entries to ask each stream for. XREADGROUP's COUNT holds for each stream by itself and knows no bytes: so it
 * grows while replies are full, and shrinks by what they brought.
 */
export class ReadSize {
  readonly #most: number;
  #count: number;

  /** @param most the configured `batch`. */
  constructor(most: number) {
    this.#most = most;
    this.#count = Math.min(most, FIRST_COUNT);
  }

  /** COUNT for a read of so many streams. */
  for(streams: number): number {
    return Math.max(1, Math.min(this.#count, Math.floor(MAX_ENTRIES / streams)));
  }

  saw({ count, entries, bytes, isFull }: LastRead): void {
    const share = Math.max(entries / TARGET_ENTRIES, bytes / TARGET_BYTES);
    if (share > 1) this.#count = Math.max(1, Math.floor(count / share));
    else if (isFull && share <= 0.5) this.#count = Math.min(this.#most, Math.max(this.#count, count * 2));
  }
}
