import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OffsetRanges } from '../../../src/dead-letters/offset-ranges.ts';
import { letterId, placeOfLetter } from '../../../src/dead-letters/read-letter.ts';
import { SettledLetters } from '../../../src/dead-letters/settled-letters.ts';
import { MemoryNotes } from '../../support/memory-notes.ts';

const EMPTY = OffsetRanges.parse('');

describe('ranges of offsets', () => {
  it('hold what was put in, in any order, in as few ranges as possible, and survive being written down', () => {
    const offsets = fc.uniqueArray(fc.bigInt({ min: 0n, max: 60n }));
    fc.assert(
      fc.property(offsets, (given) => {
        const ranges = given.reduce((all, offset) => all.with(offset).with(offset), EMPTY);
        const read = OffsetRanges.parse(String(ranges));
        for (let offset = 0n; offset <= 61n; offset += 1n) {
          expect(read.has(offset)).toBe(given.includes(offset));
          expect(given).not.toContain(read.behind(offset));
        }
        const starts = given.filter((offset) => !given.includes(offset - 1n)).length;
        expect(String(ranges).split(',').filter(Boolean)).toHaveLength(starts);
      }),
    );
  });

  it('tell their end', () => {
    expect([OffsetRanges.parse('0-4,7-7,9-12').end, EMPTY.end]).toEqual([13n, 0n]);
  });
});

describe('letters that are done with', () => {
  const place = (offset: bigint) => ({ topic: 'dead', partition: 1, offset });
  const ends = (end: bigint) => new Map([[1, end]]);

  it('are known after a restart, by topic and partition', async () => {
    const notes = new MemoryNotes();
    const before = new SettledLetters(notes, 'dead', { id: 'a', ends: ends(10n) });
    await before.add([place(3n), place(4n)]);
    const after = new SettledLetters(notes, 'dead', { id: 'a', ends: ends(10n) });
    expect([2n, 3n, 4n, 5n].map((offset) => after.has(place(offset)))).toEqual([false, true, true, false]);
    expect(after.has({ ...place(3n), partition: 0 })).toBe(false);
    expect(after.next(place(3n))).toEqual(place(5n));
    expect(new SettledLetters(notes, 'other', { id: 'a', ends: ends(10n) }).has(place(3n))).toBe(false);
  });

  it('are those of this topic, and not of one that had its name before', async () => {
    const notes = new MemoryNotes();
    await new SettledLetters(notes, 'dead', { id: 'a', ends: ends(10n) }).add([place(3n)]);
    const has = (id: string | undefined, end: bigint): boolean =>
      new SettledLetters(notes, 'dead', { id, ends: ends(end) }).has(place(3n));
    expect(has('a', 10n)).toBe(true);
    expect(has('b', 10n)).toBe(false);
    // The client does not tell ids.
    expect(has(undefined, 10n)).toBe(true);
    expect(has(undefined, 2n)).toBe(false);
  });
});

describe('the id of a letter', () => {
  it('tells its place, and nothing else is one', () => {
    const place = { topic: 'a.b_c-d', partition: 12, offset: 9_007_199_254_740_993n };
    expect(placeOfLetter(letterId(place))).toEqual(place);
    for (const id of ['', 'a', 'a/1', 'a/1/x', 'a/-1/1', 'a/b/1/1', 'ä/1/1', `a/1/${'9'.repeat(20)}`])
      expect(placeOfLetter(id)).toBeUndefined();
  });
});
