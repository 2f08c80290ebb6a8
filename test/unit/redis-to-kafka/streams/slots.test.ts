import { expect, test } from 'vitest';
import { slotOf } from '../../../../src/clients/redis/cluster/slots.ts';
import type { RedisMaster, RedisTopology } from '../../../../src/clients/redis/port.ts';
import { keyName } from '../../../../src/core/key-name.ts';
import { followOwners } from '../../../../src/redis-to-kafka/streams/follow-owners.ts';
import { Reading, UNREAD } from '../../../../src/redis-to-kafka/streams/reading.ts';
import { slotGroups } from '../../../../src/redis-to-kafka/streams/slot-groups.ts';

const reading = (name: string): Reading => new Reading(keyName(Buffer.from(name)), 'topic');
const master = (id: string, first: number, last: number): RedisMaster => ({
  id,
  host: id,
  port: 1,
  slots: [{ first, last }],
});

test('one command reads all streams of a server, and in a cluster those of one slot', () => {
  const [one, same, other] = [reading('a{x}'), reading('b{x}'), reading('c{y}')];
  expect(slotGroups([], true)).toEqual([]);
  expect(slotGroups([one, same, other], false)).toEqual([{ slot: undefined, readings: [one, same, other] }]);
  expect(slotGroups([one, other, same], true)).toEqual([
    { slot: slotOf(Buffer.from('x')), readings: [one, same] },
    { slot: slotOf(Buffer.from('y')), readings: [other] },
  ]);
});

test('what is pending is read again where another master has the stream, and nowhere else', () => {
  const slot = slotOf(Buffer.from('x'));
  let tell: (masters: readonly RedisMaster[]) => void = () => undefined;
  const topology: Pick<RedisTopology, 'masters' | 'onChange'> = {
    masters: [master('one', 0, slot), master('other', slot + 1, 16_383)],
    onChange: (listener) => {
      tell = listener;
      return () => undefined;
    },
  };
  const [moved, stays] = [reading('x'), reading('foo')];
  expect(slotOf(Buffer.from('foo'))).toBeLessThan(slot);
  for (const each of [moved, stays]) {
    each.nextFrom();
    each.take([]);
  }
  expect([moved.nextFrom(), stays.nextFrom()]).toEqual([UNREAD, UNREAD]);
  followOwners(topology, () => [moved, stays]);
  tell([master('one', 0, slot - 1), master('new', slot, slot), master('other', slot + 1, 16_383)]);
  expect([moved.nextFrom(), stays.nextFrom()]).toEqual(['0-0', UNREAD]);
});
