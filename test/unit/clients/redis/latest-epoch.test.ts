import { expect, test } from 'vitest';
import { LatestEpoch } from '../../../../src/clients/redis/latest-epoch.ts';

const answer = (epoch: number, name = '') => ({ epoch, name });

test('of several answers those of the greatest epoch count', () => {
  const latest = new LatestEpoch();
  expect(latest.of([answer(1, 'a'), answer(2, 'b'), answer(2, 'c')], 0)).toEqual([answer(2, 'b'), answer(2, 'c')]);
  expect(latest.of([], 1)).toEqual([]);
});

test('what is older than an answer that came before does not count, even alone', () => {
  const latest = new LatestEpoch();
  latest.of([answer(2)], 0);
  expect(latest.of([answer(1)], 1_000)).toEqual([]);
  expect(latest.of([answer(2)], 2_000)).toEqual([answer(2)]);
});

test('after half a minute of older answers only, they are believed: the servers were set up anew', () => {
  const latest = new LatestEpoch();
  latest.of([answer(9)], 0);
  expect(latest.of([answer(1)], 29_999)).toEqual([]);
  expect(latest.of([answer(1)], 30_000)).toEqual([answer(1)]);
  expect(latest.of([answer(2)], 30_001)).toEqual([answer(2)]);
});
