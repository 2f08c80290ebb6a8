import { type KeyName, keyBytes } from '../../core/key-name.ts';

/** What nobody of the group was given yet. */
export const UNREAD = '>';
/** Behind it stand all entries that this consumer was given and has not acknowledged. */
const OWN_PENDING = '0-0';

export interface ReadEntry {
  readonly id: string;
  /** Alternates field, value; undefined: the entry was deleted after it was handed out. */
  readonly fields: readonly Buffer[] | undefined;
}

/**
 * How far a stream is read, for as long as its group lives: first our own pending entries, which a crash or a lost reply
 * left behind, then unread ones. An entry is in flight from its read to its XACK, and is not sent again meanwhile.
 */
export class Reading {
  readonly key: KeyName;
  readonly name: Buffer;
  readonly topic: string;
  /** Entries that the group has not read, as the last survey told; undefined until known. */
  lag: number | undefined;
  /** Entries that the group has read and not acknowledged, as the last survey told. */
  pending = 0;
  /** It may hold entries that every group has acknowledged. */
  mayTrim = true;
  /** Its group has gone: what is still in flight has nothing to acknowledge. */
  hasEnded = false;
  #from = OWN_PENDING;
  #beginAgain = false;
  /** How many copies of an entry are under way: one that Redis handed out anew must not be acknowledged by the old copy. */
  readonly #inFlight = new Map<string, number>();

  constructor(key: KeyName, topic: string) {
    this.key = key;
    this.name = keyBytes(key);
    this.topic = topic;
  }

  /** Own pending entries may be there that are not in flight: they are read again before any others. */
  recover(): void {
    this.#beginAgain = true;
  }

  /** The ID to read behind, or `>`. Once for each read, whose entries go to `take`. */
  nextFrom(): string {
    if (this.#beginAgain) this.#from = OWN_PENDING;
    this.#beginAgain = false;
    return this.#from;
  }

  isInFlight(id: string): boolean {
    return this.#inFlight.has(id);
  }

  /** What a read brought. @returns the entries to carry, now in flight, and the IDs of those that are gone. */
  take(entries: readonly ReadEntry[]): { readonly fresh: readonly ReadEntry[]; readonly deleted: readonly string[] } {
    const isHistory = this.#from !== UNREAD;
    if (isHistory) this.#from = entries.at(-1)?.id ?? UNREAD;
    const taken = isHistory ? entries.filter(({ id }) => !this.#inFlight.has(id)) : entries;
    for (const { id } of taken) this.#inFlight.set(id, (this.#inFlight.get(id) ?? 0) + 1);
    const deleted = taken.filter(({ fields }) => fields === undefined).map(({ id }) => id);
    return { fresh: deleted.length === 0 ? taken : taken.filter(({ fields }) => fields !== undefined), deleted };
  }

  /** Copies of these entries are done with. @returns the IDs of which no other copy is under way. */
  land(ids: readonly string[]): readonly string[] {
    return ids.filter((id) => {
      const copies = this.#inFlight.get(id) ?? 0;
      if (copies > 1) this.#inFlight.set(id, copies - 1);
      return copies <= 1;
    });
  }

  /** Redis has taken the acknowledgements. */
  forget(ids: readonly string[]): void {
    for (const id of ids) this.#inFlight.delete(id);
    this.mayTrim = true;
  }
}
