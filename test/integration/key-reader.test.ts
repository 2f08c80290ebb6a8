import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readCapabilities } from '../../src/clients/redis/capabilities.ts';
import { connectRedis } from '../../src/clients/redis/connect.ts';
import type { RedisCommand, RedisConnection, RedisReply } from '../../src/clients/redis/port.ts';
import { encodeState } from '../../src/codecs/key-record.ts';
import { unpacked } from '../../src/codecs/packed-strings.ts';
import { type KeyName, keyBytes, keyName } from '../../src/core/key-name.ts';
import { type KeyState, type KeyValue, redisTypeOf } from '../../src/core/key-state.ts';
import { KeyReader, changesSilently } from '../../src/redis-to-kafka/converge/key-reader.ts';
import type { Found } from '../../src/redis-to-kafka/converge/key-source.ts';
import { eventually } from '../support/eventually.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';
import { found, inFieldOrder } from '../support/states.ts';

const key = (name: string): KeyName => keyName(Buffer.from(name));
const bytes = (...texts: string[]): Buffer[] => texts.map((text) => Buffer.from(text));
/** Every byte there is, so that nothing on the way can take it for text. */
const BINARY = Buffer.from([...Array(256).keys()]);
const FAR = 4_102_444_800_123;

let server: RedisServer;
let redis: RedisConnection;
let reader: KeyReader;
let dumps: KeyReader;

const run = async (...commands: RedisCommand[]): Promise<readonly RedisReply[]> => {
  const replies = await redis.pipeline(commands);
  return replies.map((reply) => {
    if (reply instanceof Error) throw reply;
    return reply;
  });
};
const readOne = async (from: KeyReader, name: KeyName): Promise<Found> => found(await from.readAll([name]))[0];
const stateOf = async (from: KeyReader, name: KeyName): Promise<KeyState> => {
  const state = await readOne(from, name);
  if (state === undefined || state === 'later' || state instanceof Error)
    throw new Error(`no state, but ${String(state)}`);
  return unpacked(state);
};

beforeAll(async () => {
  server = await (await stackProvider()).startRedis({ debug: true });
  redis = connectRedis({ url: server.url, name: 'test' }).connect({ db: 0, name: 'reader' });
  await redis.ready();
  const options = { connection: redis, maxValueBytes: 1_000_000 };
  reader = new KeyReader({ ...options, format: 'json' });
  dumps = new KeyReader({ ...options, format: 'dump' });
});
beforeEach(async () => {
  await run(['FLUSHDB']);
});
afterAll(async () => {
  await redis.close();
});

const recordOf = (state: KeyState | undefined): string | undefined =>
  state && encodeState({ ...state, expireAt: undefined }, 'json').toString('latin1');
const streamOf = (value: KeyValue): unknown => (value.type === 'stream' ? value.stream : undefined);

describe('the key reader', () => {
  const cases: readonly (readonly [string, readonly RedisCommand[], KeyValue])[] = [
    ['a string', [['SET', 'k', 'v']], { type: 'string', value: Buffer.from('v') }],
    ['an empty string', [['SET', 'k', '']], { type: 'string', value: Buffer.alloc(0) }],
    ['a binary string', [['SET', 'k', BINARY]], { type: 'string', value: BINARY }],
    ['an integer', [['INCRBY', 'k', 42]], { type: 'string', value: Buffer.from('42') }],
    [
      'a string of several kilobytes',
      [['SET', 'k', 'x'.repeat(10_000)]],
      { type: 'string', value: Buffer.alloc(10_000, 'x') },
    ],
    [
      'a hash',
      [['HSET', 'k', 'name', 'Ada', '9', '', '__proto__', BINARY]],
      { type: 'hash', entries: [...bytes('9', '', '__proto__'), BINARY, ...bytes('name', 'Ada')] },
    ],
    [
      'a list',
      [['RPUSH', 'k', 'b', BINARY, 'b']],
      { type: 'list', items: [Buffer.from('b'), BINARY, Buffer.from('b')] },
    ],
    ['a set', [['SADD', 'k', BINARY]], { type: 'set', members: [BINARY] }],
    ['a set of integers', [['SADD', 'k', 3, 1]], { type: 'set', members: bytes('1', '3') }],
    [
      'a zset, with exact scores',
      [['ZADD', 'k', 'inf', 'last', '-inf', 'first', '3.0000000000000004', 'b', '3.0000000000000004', BINARY]],
      {
        type: 'zset',
        entries: [
          ...bytes('first', '-inf'),
          BINARY,
          ...bytes('3.0000000000000004', 'b', '3.0000000000000004', 'last', 'inf'),
        ],
      },
    ],
    ['a HyperLogLog as the string that it is', [['SET', 'k', 'HYLL']], { type: 'string', value: Buffer.from('HYLL') }],
  ];

  it.each(cases)('reads %s, with and without an expiry', async (_, commands, value) => {
    await run(...commands);
    const expected = inFieldOrder({ value, expireAt: undefined });
    expect(inFieldOrder(await stateOf(reader, key('k')))).toEqual(expected);
    await run(['PEXPIREAT', 'k', FAR]);
    expect(inFieldOrder(await stateOf(reader, key('k')))).toEqual({ ...expected, expireAt: FAR });
  });

  it('tells the same expiry each time, so that a key that stands still gives the same record', async () => {
    const names = Array.from({ length: 200 }, (_, at) => `key:${at}`);
    await run(...names.map((name): RedisCommand => ['SET', name, 'v', 'PX', 1_000_000 + name.length]));
    const before = await reader.readAll(names.map(key));
    for (let time = 0; time < 20; time += 1) expect(await reader.readAll(names.map(key))).toEqual(before);
  });

  it('reads a stream with its groups, and what was trimmed does not hide its last ID', async () => {
    await run(
      ['XADD', 'k', '1-1', 'f', 'v', 'f', BINARY],
      ['XADD', 'k', '2-0', 'g', ''],
      ['XADD', 'k', '3-0', 'gone', ''],
      ['XDEL', 'k', '3-0'],
      ['XGROUP', 'CREATE', 'k', BINARY, '1-1'],
      ['XGROUP', 'CREATE', 'k', 'behind', '0'],
    );
    const { value } = await stateOf(reader, key('k'));
    expect(streamOf(value)).toEqual({
      lastId: '3-0',
      entries: [
        { id: '1-1', fields: [...bytes('f', 'v', 'f'), BINARY] },
        { id: '2-0', fields: bytes('g', '') },
      ],
      groups: [
        { name: BINARY, lastId: '1-1' },
        { name: Buffer.from('behind'), lastId: '0-0' },
      ],
    });
  });

  it('reads an empty stream', async () => {
    await run(['XGROUP', 'CREATE', 'k', 'g', '$', 'MKSTREAM'], ['PEXPIREAT', 'k', FAR]);
    const { value, expireAt } = await stateOf(reader, key('k'));
    expect(streamOf(value)).toEqual({
      lastId: '0-0',
      entries: [],
      groups: [{ name: Buffer.from('g'), lastId: '0-0' }],
    });
    expect(expireAt).toBe(FAR);
  });

  it('reads the expiries of fields where the server has them', async ({ skip }) => {
    const [info] = await run(['COMMAND', 'INFO', 'HPEXPIREAT']);
    if (Array.isArray(info) && info[0] === null) skip();
    await run(['HSET', 'k', 'a', '1', 'b', '2'], ['HPEXPIREAT', 'k', FAR, 'FIELDS', 1, 'b']);
    const expected = { type: 'hash', entries: bytes('a', '1', 'b', '2'), fieldExpireAt: [undefined, FAR] };
    expect(inFieldOrder(await stateOf(reader, key('k'))).value).toEqual(expected);
  });

  it('reads a RedisJSON document where the server has the module', async ({ skip }) => {
    const [info] = await run(['COMMAND', 'INFO', 'JSON.SET']);
    if (Array.isArray(info) && info[0] === null) skip();
    await run(['JSON.SET', 'k', '$', '{"b":[1.0],"a":null}']);
    const { value } = await stateOf(reader, key('k'));
    expect(value).toEqual({ type: 'json', document: Buffer.from('{"b":[1.0],"a":null}') });
  });

  it('finds nothing under a key that is gone, or past its expiry and not yet removed', async () => {
    await run(
      ['DEBUG', 'SET-ACTIVE-EXPIRE', 0],
      ['SET', 'k', 'v', 'PX', 1],
      ['HSET', 'h', 'f', 'v'],
      ['PEXPIRE', 'h', 1],
    );
    await eventually(async () =>
      (await reader.readAll([key('k'), key('h'), key('none')])).every((each) => each === undefined),
    );
    expect(await reader.exist([key('k'), key('h'), key('none')])).toEqual([false, false, false]);
    await run(['DEBUG', 'SET-ACTIVE-EXPIRE', 1]);
  });

  it('takes any bytes as a key', async () => {
    const names = [BINARY, Buffer.alloc(0), Buffer.from('{tag}\r\n$3')].map(keyName);
    await run(...names.map((name): RedisCommand => ['SET', keyBytes(name), keyBytes(name)]));
    expect(await reader.readAll(names)).toEqual(
      names.map((name) => ({ value: { type: 'string', value: keyBytes(name) }, expireAt: undefined })),
    );
    expect(await reader.exist(names)).toEqual([true, true, true]);
  });

  it('gives a thousand keys of all kinds in their order', async () => {
    const names = Array.from({ length: 1000 }, (_, at) => `key:${at}`);
    const command = (name: string, at: number): RedisCommand => {
      if (at % 5 === 0) return ['SET', name, name];
      if (at % 5 === 1) return ['HSET', name, name, 'v'];
      return at % 5 === 2 ? ['RPUSH', name, name] : ['SADD', name, name];
    };
    await run(...names.filter((_, at) => at % 5 !== 4).map((name) => command(name, names.indexOf(name))));
    const states = found(await reader.readAll(names.map(key)));
    expect(states.map((each) => (typeof each === 'object' ? redisTypeOf(each.value) : each))).toEqual(
      names.map((_, at) => ['string', 'hash', 'list', 'set', undefined][at % 5]),
    );
    expect(states[995]).toEqual({ value: { type: 'string', value: Buffer.from('key:995') }, expireAt: undefined });
    expect(await reader.exist(names.map(key))).toEqual(names.map((_, at) => at % 5 !== 4));
  });

  it('asks Redis nothing for no keys', async () => {
    expect(await reader.readAll([])).toEqual([]);
    expect(await reader.exist([])).toEqual([]);
  });

  it('tells of each key that nothing is known of it while Redis is away', async () => {
    const away = connectRedis({ url: 'redis://127.0.0.1:1', name: 'test' }).connect({ db: 0, name: 'away' });
    const unavailable = expect.objectContaining({ code: 'KF_REDIS_UNAVAILABLE' }) as unknown;
    const other = new KeyReader({ connection: away, format: 'json', maxValueBytes: 1 });
    expect(await other.read([key('k'), key('l')])).toEqual([unavailable, unavailable]);
    await expect(other.exist([key('k')])).rejects.toEqual(unavailable);
    await away.close();
  });

  it('needs no more than permission to read', async () => {
    const { readOnlyScripts } = await readCapabilities(redis);
    const rules = readOnlyScripts ? ['%R~*', '+evalsha_ro', '+eval_ro'] : ['~*', '+evalsha', '+eval', '+time'];
    await run(['ACL', 'SETUSER', 'mirror', 'on', 'nopass', 'resetkeys', 'resetchannels', 'nocommands']);
    await run(['ACL', 'SETUSER', 'mirror', '+@read', '+@connection', '+@transaction', ...rules]);
    const url = server.url.replace('redis://', 'redis://mirror:any@');
    const limited = connectRedis({ url, name: 'test' }).connect({ db: 0, name: 'limited' });
    await limited.ready();
    await run(['SET', 's', 'v'], ['HSET', 'h', 'f', 'v'], ['XADD', 'x', '1-0', 'f', 'v']);
    const mirror = new KeyReader({ connection: limited, format: 'json', maxValueBytes: 1_000_000 });
    const names = ['s', 'h', 'x'].map(key);
    expect((await mirror.readAll(names)).map((each) => typeof each)).toEqual(['object', 'object', 'object']);
    expect(await mirror.exist(names)).toEqual([true, true, true]);
    await limited.close();
  });

  it('tells of the keys beside one that the user may not look at, and refuses where it may look at none', async () => {
    await run(['ACL', 'SETUSER', 'partly', 'reset', 'on', 'nopass', '+@all', '~open:*']);
    const url = server.url.replace('redis://', 'redis://partly:any@');
    const limited = connectRedis({ url, name: 'test' }).connect({ db: 0, name: 'partly' });
    await limited.ready();
    const mirror = new KeyReader({ connection: limited, format: 'json', maxValueBytes: 1_000_000 });
    const names = Array.from({ length: 60 }, (_, at) => key(at === 40 ? 'shut' : `open:${at}`));
    await run(['SET', 'open:3', 'v'], ['SET', 'shut', 'v']);
    const expected = names.map((name) => (name === 'shut' ? undefined : name === 'open:3'));
    expect(await mirror.exist(names)).toEqual(expected);
    await run(['ACL', 'SETUSER', 'partly', '-@all', '+@connection']);
    await expect(mirror.exist(names)).rejects.toMatchObject({ code: 'KF_REDIS_PERMISSION' });
    await limited.close();
  });
});

describe('the key reader for format dump', () => {
  it.each<[string, RedisCommand]>([
    ['string', ['SET', 'k', BINARY]],
    ['hash', ['HSET', 'k', 'f', BINARY]],
    ['list', ['RPUSH', 'k', 'a', 'b']],
    ['set', ['SADD', 'k', 'a', 'b']],
    ['zset', ['ZADD', 'k', 1, 'a']],
    ['stream', ['XADD', 'k', '1-0', 'f', 'v']],
  ])('gives a %s as a payload that RESTORE takes', async (redisType, command) => {
    await run(command, ['PEXPIREAT', 'k', FAR]);
    const { value, expireAt } = await stateOf(dumps, key('k'));
    if (value.type !== 'dump') throw new Error(value.type);
    expect(value.redisType).toBe(redisType);
    expect(expireAt).toBe(FAR);
    await run(['RESTORE', 'copy', 0, value.payload]);
    // Redis lists a set's members in any order.
    const [original, copy] = await Promise.all(['k', 'copy'].map((name) => stateOf(reader, key(name))));
    expect(recordOf(copy)).toBe(recordOf(original));
  });

  it('finds nothing under a key that is gone', async () => {
    expect(await readOne(dumps, key('k'))).toBeUndefined();
  });
});

describe('what changes silently', () => {
  it('is a stream that is read by a group, and XREADGROUP shows in its state', async () => {
    await run(['XADD', 'k', '1-0', 'f', 'v'], ['XGROUP', 'CREATE', 'k', 'g', '0']);
    const before = await stateOf(reader, key('k'));
    await run(['XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 'k', '>']);
    const after = await stateOf(reader, key('k'));
    expect(after).not.toEqual(before);
    expect([before, after, await stateOf(dumps, key('k'))].map(changesSilently)).toEqual([true, true, true]);
  });

  it('is a HyperLogLog, sparse or dense, whose cached count PFCOUNT writes', async () => {
    await run(['PFADD', 'k', 'a', 'b']);
    const before = await stateOf(reader, key('k'));
    await run(['PFCOUNT', 'k']);
    const sparse = await stateOf(reader, key('k'));
    expect(sparse).not.toEqual(before);
    expect([sparse, await stateOf(dumps, key('k'))].map(changesSilently)).toEqual([true, true]);
    await run(...Array.from({ length: 5000 }, (_, at): RedisCommand => ['PFADD', 'k', `member:${at}`]));
    expect([await stateOf(reader, key('k')), await stateOf(dumps, key('k'))].map(changesSilently)).toEqual([
      true,
      true,
    ]);
  });

  it('is nothing else', async () => {
    await run(['SET', 's', 'value'], ['XADD', 'x', '1-0', 'f', 'v'], ['HSET', 'h', 'HYLL', 'HYLL']);
    const states = await Promise.all(['s', 'x', 'h'].map((name) => stateOf(reader, key(name))));
    expect([...states, await stateOf(dumps, key('s'))].map(changesSilently)).toEqual([false, false, false, false]);
  });
});
