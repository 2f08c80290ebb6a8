import { expect, test } from 'vitest';
import { slotOf, tagOfSlot } from '../../../../../src/clients/redis/cluster/slots.ts';

test.each([
  // The specification's own example, and keys whose slots CLUSTER KEYSLOT of a real server gave.
  ['123456789', 0x31c3],
  ['', 0],
  ['foo', 12182],
  ['bar', 5061],
  ['{user1000}.following', 3443],
  ['{user1000}.followers', 3443],
  ['user1000', 3443],
])('the slot of "%s" is %i', (key, slot) => {
  expect(slotOf(Buffer.from(key))).toBe(slot);
});

const slot = (key: string): number => slotOf(Buffer.from(key));

test.each([
  ['only the first tag counts', 'foo{bar}{zap}', 'bar'],
  ['a tag ends at the first brace that closes it', 'foo{{bar}}zap', '{bar'],
  ['a brace that closes before one opens is none', 'a}b{bar}', 'bar'],
])('%s', (_, key, tag) => {
  expect(slot(key)).toBe(slot(tag));
});

test('a tag that is empty, or is not closed, is none', () => {
  // As a real server computes them.
  expect(slot('foo{}{bar}')).toBe(8363);
  expect(slot('foo{bar')).toBe(15278);
});

test('every slot has a tag that leads to it', () => {
  for (let number = 0; number < 16_384; number += 1) expect(slot(`a{${tagOfSlot(number)}}b`)).toBe(number);
});
