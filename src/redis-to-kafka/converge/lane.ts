import type { KeyName } from '../../core/key-name.ts';

/** So many that have been given out are dropped from the order at once. */
const DROP_AT = 1_024;

/** Keys that wait, given out in the order in which they came. */
export class Lane<Entry> {
  readonly #entries = new Map<KeyName, Entry>();
  /** Those before `#next` have been given out. One that was taken back stands in it still. */
  #order: KeyName[] = [];
  #next = 0;

  get size(): number {
    return this.#entries.size;
  }
  get(key: KeyName): Entry | undefined {
    return this.#entries.get(key);
  }
  /** The key waits behind the others. */
  add(key: KeyName, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#order.push(key);
  }
  /** Of a key that waits. */
  replace(key: KeyName, entry: Entry): void {
    this.#entries.set(key, entry);
  }
  takeBack(key: KeyName): void {
    this.#entries.delete(key);
  }

  /** The first one stays. */
  first(): Entry | undefined {
    for (; this.#next < this.#order.length; this.#next += 1) {
      const entry = this.#entries.get(this.#order[this.#next] as KeyName);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  /** Gives out `limit` entries at most. */
  take(limit: number, give: (key: KeyName, entry: Entry) => void): void {
    for (let left = limit; left > 0 && this.#next < this.#order.length; this.#next += 1) {
      const key = this.#order[this.#next] as KeyName;
      const entry = this.#entries.get(key);
      if (entry === undefined) continue;
      this.#entries.delete(key);
      give(key, entry);
      left -= 1;
    }
    if (this.#next < DROP_AT || this.#next * 2 < this.#order.length) return;
    this.#order = this.#order.slice(this.#next);
    this.#next = 0;
  }
}
