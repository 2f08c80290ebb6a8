import { expect, test } from 'vitest';
import { countOf, countText, durationText } from '../../../src/core/words.ts';

test.for([
  [0, '0 ms'],
  [0.04, '0 ms'],
  [0.84, '0.8 ms'],
  [9.94, '9.9 ms'],
  [9.96, '10 ms'],
  [340.4, '340 ms'],
  [999.6, '1 s'],
  [14_000, '14 s'],
  [119_400, '119 s'],
  [120_000, '2 min'],
  [3_599_000, '59 min'],
  [7_500_000, '2 h 5 min'],
  [7_200_000, '2 h'],
  [356_400_000, '4 d 3 h'],
  [-5, '0 ms'],
] as const)('%d ms is %s', ([ms, text]) => {
  expect(durationText(ms)).toBe(text);
});

test('counts have commas, and their nouns agree', () => {
  expect([countText(1_204), countText(0.6), countOf(1, 'key'), countOf(2_000, 'entry', 'entries')]).toEqual([
    '1,204',
    '1',
    '1 key',
    '2,000 entries',
  ]);
});
