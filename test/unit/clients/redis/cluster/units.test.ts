import { expect, test } from 'vitest';
import { slotOf } from '../../../../../src/clients/redis/cluster/slots.ts';
import { unitsOf } from '../../../../../src/clients/redis/cluster/units.ts';
import type { RedisCommand } from '../../../../../src/clients/redis/port.ts';

const a = slotOf(Buffer.from('a'));
const b = slotOf(Buffer.from('b'));
const shape = (commands: readonly RedisCommand[]) =>
  unitsOf(commands).map(({ commands: own, at, slot }) => [own.map(([name]) => name).join(' '), at, slot]);

test('each command is a unit, which goes where its key is', () => {
  expect(
    shape([
      ['GET', 'a'],
      ['GET', 'b'],
      ['GET', 'a'],
    ]),
  ).toEqual([
    ['GET', 0, a],
    ['GET', 1, b],
    ['GET', 2, a],
  ]);
});

test('a transaction goes as a whole where its first key is', () => {
  expect(shape([['GET', 'b'], ['multi'], ['PING'], ['GET', 'a'], ['exec'], ['GET', 'b']])).toEqual([
    ['GET', 0, b],
    ['multi PING GET exec', 1, a],
    ['GET', 5, b],
  ]);
});

test('a command without a key goes where the next one with a key goes, at the end where the last went', () => {
  expect(shape([['CLIENT', 'ID'], ['WATCH', 'a'], ['UNWATCH'], ['GET', 'b'], ['PING']])).toEqual([
    ['CLIENT', 0, a],
    ['WATCH', 1, a],
    ['UNWATCH', 2, b],
    ['GET', 3, b],
    ['PING', 4, b],
  ]);
});

test('commands without any key may go anywhere', () => {
  expect(shape([['PING'], ['MULTI'], ['EXEC'], ['EXEC']])).toEqual([
    ['PING', 0, undefined],
    ['MULTI EXEC', 1, undefined],
    ['EXEC', 3, undefined],
  ]);
});
