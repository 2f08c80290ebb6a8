import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, nearest } from '../../../src/config/nearest.ts';

describe('the nearest known key', () => {
  it.each([
    ['topik', 'topic'],
    ['TOPIC', 'topic'],
    ['database', 'databases'],
    ['reconcile_every', 'reconcileEvery'],
    ['incldue', 'include'],
  ])('of %s is %s', (word, expected) => {
    const keys = ['name', 'databases', 'include', 'exclude', 'topic', 'reconcileEvery'];
    expect(nearest(word, keys)).toBe(expected);
  });

  it('is none among none', () => {
    expect(nearest('x', [])).toBeUndefined();
  });

  it('is measured by a metric: zero only for equals, symmetric, within the longer length, by the triangle inequality', () => {
    const word = fc.string({ maxLength: 8, unit: fc.constantFrom('a', 'b', 'c') });
    fc.assert(
      fc.property(word, word, word, (a, b, c) => {
        expect(editDistance(a, b) === 0).toBe(a === b);
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
        expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
      }),
    );
  });
});
