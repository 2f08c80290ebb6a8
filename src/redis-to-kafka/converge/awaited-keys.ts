import type { KeyName } from '../../core/key-name.ts';
import type { Place } from '../../core/place.ts';

interface Awaited {
  /** Who follows the key. */
  followers: number;
  place: Place | undefined;
}

/** Keys of which somebody wants to know where their last record stands; empty most of the time. */
export class AwaitedKeys {
  readonly #keys = new Map<KeyName, Awaited>();

  has(key: KeyName): boolean {
    return this.#keys.size > 0 && this.#keys.has(key);
  }

  follow(keys: readonly KeyName[]): void {
    for (const key of keys) {
      const awaited = this.#keys.get(key);
      if (awaited === undefined) this.#keys.set(key, { followers: 1, place: undefined });
      else awaited.followers += 1;
    }
  }

  leave(keys: readonly KeyName[]): void {
    for (const key of keys) {
      const awaited = this.#keys.get(key);
      if (awaited === undefined) continue;
      awaited.followers -= 1;
      if (awaited.followers === 0) this.#keys.delete(key);
    }
  }

  /** Kafka has acknowledged a record of the key. @param place undefined where the broker did not say it. */
  published(key: KeyName, place: Place | undefined): void {
    const awaited = this.#keys.get(key);
    if (awaited !== undefined) awaited.place = place;
  }

  /** Of the key's last record, where it was acknowledged since somebody began to follow the key. */
  placeOf(key: KeyName): Place | undefined {
    return this.#keys.get(key)?.place;
  }
}
