import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyName } from '../../../src/core/key-name.ts';
import { globToRegExp } from '../../../src/redis-to-kafka/publish/key-filter.ts';
import { keyGlob } from '../../../src/redis-to-kafka/publish/key-glob.ts';

const name = (text: string) => keyName(Buffer.from(text));

describe('a glob on keys', () => {
  it('takes what the globs of a source take', () => {
    const glob = fc.array(fc.constantFrom('*', '?', 'a', 'b', 'é', '[ab]', '[^a]', '[*]', '\\*', '\\', '[', '😀'), {
      maxLength: 8,
    });
    const key = fc.array(fc.constantFrom('a', 'b', '*', 'é', '\\', '[', '😀', '\n'), { maxLength: 8 });
    fc.assert(
      fc.property(glob, key, (pieces, characters) => {
        const [text, bytes] = [pieces.join(''), name(characters.join(''))];
        expect(keyGlob(text)(bytes)).toBe(globToRegExp(text).test(bytes));
      }),
      { numRuns: 5_000 },
    );
  });

  it('is never tried again and again, whoever wrote it', () => {
    // Backtracking would try more ways than there are atoms.
    const matches = keyGlob(`${'*a'.repeat(40)}*b`);
    expect(matches(name('a'.repeat(10_000)))).toBe(false);
    expect(matches(name(`${'a'.repeat(10_000)}b`))).toBe(true);
  });
});
