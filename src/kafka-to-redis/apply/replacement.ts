import type { RedisArgument } from '../../clients/redis/port.ts';
import { unpackedValue } from '../../codecs/packed-strings.ts';
import { KeyferryError } from '../../core/errors.ts';
import type { KeyState, StreamState } from '../../core/key-state.ts';

/**
 * A state as the replace script takes it: verb, expiry, number of values, values.
 * @throws KF_RECORD_OMITTED where there is no value; KF_RECORD_UNREADABLE where no key can hold it.
 */
export const replacementOf = ({ value, expireAt }: KeyState): readonly RedisArgument[] => {
  const replacement = (verb: string, values: readonly RedisArgument[]): readonly RedisArgument[] => [
    verb,
    expireAt ?? '',
    values.length,
    ...values,
  ];
  switch (value.type) {
    case 'string':
      return replacement('string', [value.value]);
    case 'hash': {
      const expiring = expiringFields(value.entries, value.fieldExpireAt);
      if (expiring.length === 0) return replacement('hash', value.entries);
      return replacement('expiring-hash', [expiring.length / 2, ...expiring, ...value.entries]);
    }
    case 'list':
      return replacement('list', value.items);
    case 'set':
      return replacement('set', value.members);
    case 'zset':
      return replacement('zset', scoresFirst(value.entries));
    case 'stream':
      return replacement('stream', streamValues(value.stream));
    case 'json':
      return replacement('json', [value.document]);
    case 'packed':
      return replacementOf({ value: unpackedValue(value), expireAt });
    case 'dump':
      return replacement('dump', [value.payload]);
    case 'omitted':
      throw new KeyferryError(
        'KF_RECORD_OMITTED',
        `the value, a ${value.redisType} of ${value.bytes} bytes, was too large to travel`,
      );
  }
};

/** Alternates field, Unix ms. */
const expiringFields = (
  entries: readonly Buffer[],
  fieldExpireAt: readonly (number | undefined)[] = [],
): readonly RedisArgument[] =>
  fieldExpireAt.flatMap((expireAt, index) => {
    const field = entries[2 * index];
    return expireAt === undefined || field === undefined ? [] : [field, expireAt];
  });

/** ZADD wants them the other way round. */
const scoresFirst = (entries: readonly Buffer[]): readonly Buffer[] =>
  entries.map((_, index) => entries[index ^ 1] ?? NO_BYTES);
const NO_BYTES = Buffer.alloc(0);

/** Lua cannot hand more values than this to one command. */
const MAX_ENTRY_TEXTS = 7_900;

const streamValues = ({ lastId, entries, groups }: StreamState): readonly RedisArgument[] => {
  // Redis would refuse the stream half built, when the old one has gone already.
  let previous = '0-0';
  for (const { id, fields } of entries) {
    if (!precedes(previous, id)) throw unreadable('the IDs of a stream do not ascend');
    if (fields.length > MAX_ENTRY_TEXTS)
      throw unreadable(`an entry of a stream has ${fields.length} fields and values`);
    previous = id;
  }
  if (precedes(lastId, previous)) throw unreadable('the last ID of a stream precedes its entries');
  return [
    lastId,
    groups.length,
    ...groups.flatMap((group) => [group.name, group.lastId]),
    ...entries.flatMap(({ id, fields }) => [id, fields.length, ...fields]),
  ];
};

const precedes = (one: string, other: string): boolean => {
  const [ms = 0n, sequence = 0n] = one.split('-').map(BigInt);
  const [otherMs = 0n, otherSequence = 0n] = other.split('-').map(BigInt);
  return ms < otherMs || (ms === otherMs && sequence < otherSequence);
};

const unreadable = (what: string): KeyferryError => new KeyferryError('KF_RECORD_UNREADABLE', what);
