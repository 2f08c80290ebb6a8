import type { Place } from '../core/place.ts';
import type { LetterBox } from './letter-box.ts';
import type { Letter } from './read-letter.ts';

/** What is dealt with at once, and so in memory. */
const MAX_LETTERS = 200;
const MAX_BYTES = 8_000_000;

export interface Stretch {
  readonly from: Place;
  /** Absent: up to the end. */
  readonly last?: bigint | undefined;
  /** Which of them. */
  readonly wants: (place: Place) => boolean;
}

/** A partition's letters, in their order. @throws KF_KAFKA_UNAVAILABLE... */
export async function* portions(
  box: LetterBox,
  { from, last, wants }: Stretch,
): AsyncGenerator<readonly [Letter, ...Letter[]]> {
  for (let start: Place | undefined = from; start !== undefined;) {
    const letters: Letter[] = [];
    let bytes = 0;
    let next: Place | undefined;
    await box.read(start, (letter) => {
      const { place } = letter;
      if (last !== undefined && place.offset > last) return 'enough';
      if (!wants(place)) return undefined;
      letters.push(letter);
      bytes += (letter.record.value?.length ?? 0) + (letter.record.key?.length ?? 0);
      if (letters.length < MAX_LETTERS && bytes < MAX_BYTES) return undefined;
      next = { ...place, offset: place.offset + 1n };
      return 'enough';
    });
    const [first, ...others] = letters;
    if (first !== undefined) yield [first, ...others];
    start = next;
  }
}
