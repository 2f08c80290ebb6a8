import { isDeepStrictEqual } from 'node:util';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { KeyState, KeyValue } from '../../src/core/key-state.ts';
import { expectedRecord } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';
import { SinkFixture, set } from './sink-fixture.ts';

const bytes = (...texts: (string | number)[]): Buffer[] => texts.map((each) => Buffer.from(String(each)));
const BINARY = Buffer.from([0, 255, 128, 13, 10]);
const many = (count: number, prefix: string): Buffer[] =>
  Array.from({ length: count }, (_, at) => Buffer.from(`${prefix}${at}`));
const KEY = Buffer.concat([Buffer.from('key '), BINARY]);
const TOMORROW = Date.now() + 86_400_123;

const stream = (lastId: string, ids: readonly string[], groups: Record<string, string> = {}): KeyValue => ({
  type: 'stream',
  stream: {
    lastId,
    entries: ids.map((id) => ({ id, fields: [...bytes('field', id), BINARY, BINARY] })),
    groups: Object.entries(groups).map(([name, last]) => ({ name: Buffer.from(name), lastId: last })),
  },
});

/** How the source Redis comes to hold a state, in plain commands, and the state that a reader would find there. */
const CASES: readonly { what: string; make: readonly (readonly (string | number | Buffer)[])[]; value: KeyValue }[] = [
  { what: 'a string', make: [['SET', KEY, 'välue']], value: { type: 'string', value: Buffer.from('välue') } },
  { what: 'an empty string', make: [['SET', KEY, '']], value: { type: 'string', value: Buffer.alloc(0) } },
  { what: 'a binary string', make: [['SET', KEY, BINARY]], value: { type: 'string', value: BINARY } },
  {
    what: 'a hash',
    make: [['HSET', KEY, 'b', 2, 'a', BINARY, '10', 'ten']],
    value: { type: 'hash', entries: [...bytes('b', 2, 'a'), BINARY, ...bytes('10', 'ten')] },
  },
  {
    what: 'a hash of 20,000 fields',
    make: [['HSET', KEY, ...many(20_000, 'f').flatMap((field) => [field, field])]],
    value: { type: 'hash', entries: many(20_000, 'f').flatMap((field) => [field, field]) },
  },
  {
    what: 'a list with equal items',
    make: [['RPUSH', KEY, 'a', BINARY, 'a', '']],
    value: { type: 'list', items: [...bytes('a'), BINARY, ...bytes('a', '')] },
  },
  {
    what: 'a list of 20,001 items',
    make: [['RPUSH', KEY, ...many(20_001, 'item')]],
    value: { type: 'list', items: many(20_001, 'item') },
  },
  {
    what: 'a set',
    make: [['SADD', KEY, 'b', BINARY, 'a']],
    value: { type: 'set', members: [...bytes('b'), BINARY, ...bytes('a')] },
  },
  { what: 'a set of integers', make: [['SADD', KEY, 3, 1, 2]], value: { type: 'set', members: bytes(1, 2, 3) } },
  {
    what: 'a sorted set with a shared score, infinities and 17 digits',
    make: [
      [
        'ZADD',
        KEY,
        1,
        'b',
        1,
        'a',
        'inf',
        'top',
        '-inf',
        'low',
        0.1,
        'tenth',
        '12345678901234567',
        'long',
        '-0',
        'zero',
      ],
    ],
    value: {
      type: 'zset',
      entries: bytes(
        'low',
        '-inf',
        'zero',
        '-0',
        'tenth',
        '0.1',
        'a',
        1,
        'b',
        1,
        'long',
        '12345678901234568',
        'top',
        'inf',
      ),
    },
  },
  {
    what: 'a sorted set of 10,000 members',
    make: [['ZADD', KEY, ...many(10_000, 'm').flatMap((member, at) => [at, member])]],
    value: { type: 'zset', entries: many(10_000, 'm').flatMap((member, at) => [member, ...bytes(at)]) },
  },
  {
    what: 'a stream with groups, behind whose last entry one was deleted',
    make: [
      ['XADD', KEY, '1-1', 'field', '1-1', BINARY, BINARY],
      ['XADD', KEY, '5-0', 'field', '5-0', BINARY, BINARY],
      ['XADD', KEY, '7-3', 'a', 'b'],
      ['XDEL', KEY, '7-3'],
      ['XGROUP', 'CREATE', KEY, 'first', '1-1'],
      ['XGROUP', 'CREATE', KEY, 'second', '7-3'],
    ],
    value: stream('7-3', ['1-1', '5-0'], { first: '1-1', second: '7-3' }),
  },
  {
    what: 'a stream without entries',
    make: [['XADD', KEY, 'MAXLEN', 0, '9-9', 'a', 'b']],
    value: stream('9-9', []),
  },
  {
    what: 'a stream that never had one',
    make: [['XGROUP', 'CREATE', KEY, 'group', '0-0', 'MKSTREAM']],
    value: stream('0-0', [], { group: '0-0' }),
  },
];

describe('what the sink makes of a state', () => {
  const fixture = new SinkFixture();
  let origin: RedisServer;
  let source: Redis;

  beforeEach(async () => {
    origin = await (await stackProvider()).startRedis();
    source = new Redis(origin.url);
  });
  afterEach(async () => {
    source.disconnect();
    await origin.kill();
  });

  const make = async (commands: (typeof CASES)[number]['make']): Promise<void> => {
    const pipeline = source.pipeline();
    for (const [name = '', ...args] of commands) pipeline.call(String(name), args);
    expect((await pipeline.exec())?.map(([error]) => error)).toEqual(commands.map(() => null));
  };
  const dumped = async (): Promise<KeyValue> => ({
    type: 'dump',
    redisType: await source.type(KEY),
    payload: await source.dumpBuffer(KEY),
  });
  // Not by toEqual, which takes minutes for thousands of fields.
  const isMirrored = async (): Promise<boolean> =>
    isDeepStrictEqual(await expectedRecord(fixture.redis, KEY), await expectedRecord(source, KEY));

  describe.each(CASES.map(({ what }, at) => [what, at] as const))('%s', (_, at) => {
    const { make: commands, value } = CASES[at] as (typeof CASES)[number];

    test('equals the one that it came from, expiry included, whatever stood there before', async () => {
      await make([...commands, ['PEXPIREAT', KEY, TOMORROW]]);
      await fixture.redis.hset(KEY, 'of another', 'type');
      await fixture.redis.pexpire(KEY, 5_000);
      await fixture.apply(set(KEY, { value, expireAt: TOMORROW }));
      expect(await isMirrored()).toBe(true);
      await make([['PERSIST', KEY]]);
      await fixture.apply(set(KEY, { value, expireAt: undefined }));
      expect(await isMirrored()).toBe(true);
    });

    test.each(['dump', 'json'] as const)('as a DUMP payload in a %s record is the same', async (format) => {
      await make([...commands, ['PEXPIREAT', KEY, TOMORROW]]);
      const state: KeyState = { value: await dumped(), expireAt: TOMORROW };
      await fixture.redis.lpush(KEY, 'of another type');
      await fixture.apply(set(KEY, state, { format }));
      expect(await isMirrored()).toBe(true);
      await fixture.apply(set(KEY, { ...state, expireAt: undefined }, { format }));
      expect(await fixture.redis.pttl(KEY)).toBe(-1);
    });
  });

  test('a hash some of whose fields expire keeps their expiries, where the servers have them', async ({ skip }) => {
    const [info] = (await source.call('COMMAND', 'INFO', 'HPEXPIREAT')) as unknown[];
    skip(info === null, 'this server does not have them');
    await make([
      ['HSET', KEY, 'a', 1, BINARY, 2, 'stays', 3],
      ['HPEXPIREAT', KEY, TOMORROW, 'FIELDS', 2, 'a', BINARY],
    ]);
    const entries = [...bytes('a', 1), BINARY, ...bytes(2, 'stays', 3)];
    const value: KeyValue = { type: 'hash', entries, fieldExpireAt: [TOMORROW, TOMORROW, undefined] };
    for (const state of [value, await dumped()]) {
      await fixture.redis.del(KEY);
      await fixture.redis.lpush(KEY, 'of another type');
      await fixture.apply(set(KEY, { value: state, expireAt: undefined }));
      expect(await isMirrored()).toBe(true);
    }
  });

  test('an expiry that has passed leaves no key, for any type', async () => {
    const states = CASES.map(({ value }) => value);
    await make([['SET', KEY, 'x']]);
    const records = [...states, await dumped()].map((value, at) => set(`past${at}`, { value, expireAt: 1_000 }));
    for (const { key } of records) await fixture.redis.set(key as Buffer, 'before');
    const { counts } = await fixture.apply(...records);
    expect(await fixture.redis.exists(...records.map(({ key }) => key as Buffer))).toBe(0);
    expect(counts['dead-lettered']).toBeUndefined();
  });
});
