import type { Place } from '../core/place.ts';
import type { Notes } from '../state-store/notes.ts';
import type { BoxState } from './letter-box.ts';
import { OffsetRanges } from './offset-ranges.ts';

/** As it is noted, as JSON. */
interface Noted {
  /** Kafka's id of the topic; absent where the client could not tell. */
  readonly id?: string | undefined;
  /** By partition, as OffsetRanges.toString. */
  readonly partitions: Readonly<Record<string, string>>;
}

const NOTHING = OffsetRanges.parse('');

/** Which letters of a topic are done with. Kept on disk, beside the topic: nothing can be taken out of that. */
export class SettledLetters {
  readonly #notes: Notes;
  readonly #note: string;
  readonly #id: string | undefined;
  readonly #partitions: Map<number, OffsetRanges>;

  /** @param state what is known of a topic that was deleted and created again counts for nothing. */
  constructor(notes: Notes, topic: string, { id, ends }: BoxState) {
    this.#notes = notes;
    this.#note = `letters/${topic}`;
    const text = notes.get(this.#note);
    const noted: Noted = text === undefined ? { partitions: {} } : (JSON.parse(text) as Noted);
    this.#id = id ?? noted.id;
    const partitions = Object.entries(noted.partitions).map(
      ([partition, ranges]) => [Number(partition), OffsetRanges.parse(ranges)] as const,
    );
    const isOther = id !== undefined && noted.id !== undefined && id !== noted.id;
    const isShorter = partitions.some(([partition, ranges]) => ranges.end > (ends.get(partition) ?? 0n));
    this.#partitions = new Map(isOther || isShorter ? [] : partitions);
  }

  has({ partition, offset }: Place): boolean {
    return this.#of(partition).has(offset);
  }

  /** The next letter that may not be done with. */
  next({ topic, partition, offset }: Place): Place {
    return { topic, partition, offset: this.#of(partition).behind(offset) };
  }

  /** Resolves once it is on disk. @throws KF_STATE_STORE */
  async add(places: readonly Place[]): Promise<void> {
    if (places.length === 0) return;
    for (const { partition, offset } of places) this.#partitions.set(partition, this.#of(partition).with(offset));
    const partitions = Object.fromEntries([...this.#partitions].map(([at, ranges]) => [at, String(ranges)]));
    const noted: Noted = { id: this.#id, partitions };
    await this.#notes.set(this.#note, JSON.stringify(noted));
  }

  #of(partition: number): OffsetRanges {
    return this.#partitions.get(partition) ?? NOTHING;
  }
}
