import type { KeyName } from '../core/key-name.ts';
import type { PublishedState } from './published-states.ts';

const FIRST_ROWS = 1_024;
const NEVER_EXPIRES = 0;

/**
 * Changes on their way into the store. Tens of thousands wait at a time, for about a second: in columns they are a handful of
 * objects, where one each would be copied by two collections of garbage and then found by a third.
 */
export class WaitingChanges {
  /** The row of a key's latest change. */
  readonly #rows = new Map<KeyName, number>();
  #fingerprints = new BigUint64Array(FIRST_ROWS);
  #expiries = new Float64Array(FIRST_ROWS);
  /** undefined: the key's last record is a tombstone. */
  readonly #types: (string | undefined)[] = [];

  /** Changes taken in, of the same key too. */
  get size(): number {
    return this.#types.length;
  }

  /** @param state undefined: a tombstone. */
  set(key: KeyName, state: PublishedState | undefined): void {
    const row = this.#types.length;
    this.#rows.set(key, row);
    this.#types.push(state?.redisType);
    if (state === undefined) return;
    if (row >= this.#expiries.length) this.#grow();
    this.#fingerprints[row] = state.fingerprint;
    this.#expiries[row] = state.expireAt ?? NEVER_EXPIRES;
  }

  /** null: a tombstone; undefined: nothing waits for the key. */
  get(key: KeyName): PublishedState | null | undefined {
    const row = this.#rows.get(key);
    if (row === undefined) return undefined;
    const redisType = this.#types[row];
    const fingerprint = this.#fingerprints[row];
    if (redisType === undefined || fingerprint === undefined) return null;
    const expireAt = this.#expiries[row];
    return { fingerprint, redisType, expireAt: expireAt === NEVER_EXPIRES ? undefined : expireAt };
  }

  keys(): Iterable<KeyName> {
    return this.#rows.keys();
  }

  #grow(): void {
    const rows = Math.max(2 * this.#expiries.length, this.#types.length);
    const [fingerprints, expiries] = [new BigUint64Array(rows), new Float64Array(rows)];
    fingerprints.set(this.#fingerprints);
    expiries.set(this.#expiries);
    [this.#fingerprints, this.#expiries] = [fingerprints, expiries];
  }
}
