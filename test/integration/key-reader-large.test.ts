import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectRedis } from '../../src/clients/redis/connect.ts';
import type { RedisCommand, RedisConnection, RedisReply } from '../../src/clients/redis/port.ts';
import { encodeState } from '../../src/codecs/key-record.ts';
import { type KeyName, keyName } from '../../src/core/key-name.ts';
import type { KeyState } from '../../src/core/key-state.ts';
import { KeyReader } from '../../src/redis-to-kafka/converge/key-reader.ts';
import type { Found } from '../../src/redis-to-kafka/converge/key-source.ts';
import { eventually } from '../support/eventually.ts';
import { stackProvider } from '../support/provider.ts';
import { found } from '../support/states.ts';

const key = (name: string): KeyName => keyName(Buffer.from(name));
/** Far above the 10 ms that a command is meant for: the machine of a test may be busy. */
const SLOW_US = 50_000;
/** What is slow by itself is slow each time; a busy machine holds up now this command, now that one. */
const TRIES = 5;
const FAR = 4_102_444_800_123;

let redis: RedisConnection;
let other: RedisConnection;

const run = async (...commands: RedisCommand[]): Promise<readonly RedisReply[]> => {
  const replies = await other.pipeline(commands);
  return replies.map((reply) => {
    if (reply instanceof Error) throw reply;
    return reply;
  });
};

const readerOf = (maxValueBytes: number, connection = redis, format: 'json' | 'dump' = 'json'): KeyReader =>
  new KeyReader({ connection, format, maxValueBytes });

/** A whole number of chunks of a command's arguments, a thousand elements each. */
const fill = async (name: string, elements: number, element: (at: number) => readonly string[]): Promise<void> => {
  const command = { h: 'HSET', l: 'RPUSH', s: 'SADD', z: 'ZADD' }[name[0] ?? ''] ?? 'HSET';
  for (let from = 0; from < elements; from += 20_000) {
    const chunks = Array.from({ length: Math.ceil(Math.min(20_000, elements - from) / 1000) }, (_, chunk) =>
      Array.from({ length: 1000 }, (__, at) => element(from + chunk * 1000 + at)).flat(),
    );
    await run(...chunks.map((chunk): RedisCommand => [command, name, ...chunk]));
  }
};

const fillStream = async (name: string, entries: number, fields = 1): Promise<void> => {
  const pairs = (id: number): string[] =>
    Array.from({ length: fields }, (_, at) => [`field:${at}`, `value:${id}`]).flat();
  for (let from = 0; from < entries; from += 10_000) {
    const ids = Array.from({ length: 10_000 }, (_, at) => from + at + 1);
    await run(...ids.map((id): RedisCommand => ['XADD', name, `${id}-0`, ...pairs(id)]));
  }
};

/** Reads a key alone until it is not put off. */
const read = async (reader: KeyReader, name: KeyName): Promise<Exclude<Found, 'later' | Error>> => {
  for (;;) {
    const [state] = found(await reader.readAll([name]));
    if (state !== 'later') return state;
  }
};

/** Commands that took long, as Redis logs them: with their arguments, long ones cut. */
const slowCommands = async (): Promise<ReadonlySet<string>> => {
  const [log] = await run(['SLOWLOG', 'GET', -1]);
  const entries = log as readonly (readonly RedisReply[])[];
  return new Set(entries.map((entry) => (entry[3] as readonly Buffer[]).join(' ')));
};

/** Runs the action, again and again, until there is no command that held Redis up each time. */
const holdingNothingUp = async <T>(action: () => Promise<T>): Promise<T> => {
  let suspects: ReadonlySet<string> | undefined;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    await run(['SLOWLOG', 'RESET']);
    const result = await action();
    const slow = await slowCommands();
    suspects = suspects?.intersection(slow) ?? slow;
    if (suspects.size === 0) return result;
  }
  throw new Error(`commands took more than ${SLOW_US} us each time: ${[...(suspects ?? [])].join(', ').slice(0, 500)}`);
};

const elementsOf = (state: KeyState | undefined): number => {
  const value = state?.value;
  switch (value?.type) {
    case 'string':
      return value.value.length;
    case 'hash':
      return new Set(value.entries.filter((_, at) => at % 2 === 0).map(String)).size;
    case 'list':
      return value.items.length;
    case 'set':
      return new Set(value.members.map(String)).size;
    case 'zset':
      return value.entries.length / 2;
    case 'stream':
      return value.stream.entries.length;
    default:
      return NaN;
  }
};

beforeAll(async () => {
  const server = await (
    await stackProvider()
  ).startRedis({ args: ['--slowlog-log-slower-than', String(SLOW_US), '--slowlog-max-len', '10000'] });
  const client = connectRedis({ url: server.url, name: 'test' });
  redis = client.connect({ db: 0, name: 'reader' });
  other = client.connect({ db: 0, name: 'other' });
  await Promise.all([redis.ready(), other.ready()]);
});
beforeEach(async () => {
  await run(['FLUSHDB'], ['SLOWLOG', 'RESET']);
});
afterAll(async () => {
  await Promise.all([redis.close(), other.close()]);
});

describe('a large key', () => {
  const large: readonly (readonly [string, number, () => Promise<void>])[] = [
    ['h: a hash of 100,000 fields', 100_000, () => fill('h', 100_000, (at) => [`field:${at}`, `value:${at}`])],
    ['l: a list of 1,000,000 items', 1_000_000, () => fill('l', 1_000_000, (at) => [`item:${at}`])],
    ['s: a set of 100,000 members', 100_000, () => fill('s', 100_000, (at) => [`member:${at}`])],
    ['z: a zset of 100,000 members', 100_000, () => fill('z', 100_000, (at) => [String(at / 7), `member:${at}`])],
    ['x: a stream of 100,000 entries', 100_000, () => fillStream('x', 100_000)],
    ['x: a stream of 10,000 entries of 50 fields', 10_000, () => fillStream('x', 10_000, 50)],
    [
      't: a string of 12 MB',
      12_000_000,
      async () => {
        await run(['SETRANGE', 't', 11_999_999, 'x']);
      },
    ],
  ];

  it.each(large)('above the limit is left out, and holds Redis up in no format: %s', async (title, _, write) => {
    await write();
    const name = title.slice(0, 1);
    await run(['PEXPIREAT', name, FAR]);
    for (const format of ['json', 'dump'] as const) {
      const state = await holdingNothingUp(() => read(readerOf(1_000_000, redis, format), key(name)));
      expect(state).toMatchObject({ value: { type: 'omitted' }, expireAt: FAR });
      const bytes = state?.value.type === 'omitted' ? state.value.bytes : 0;
      expect(bytes).toBeGreaterThan(1_000_000);
    }
  });

  it.each(large)(
    'in format dump is left out whatever the limit, as Redis makes a DUMP in one go: %s',
    async (title, _, write) => {
      await write();
      const name = title.slice(0, 1);
      const dump = (limit: number) => holdingNothingUp(() => read(readerOf(limit, redis, 'dump'), key(name)));
      expect(await dump(500_000_000)).toMatchObject({ value: { type: 'omitted' } });
    },
  );

  it('in format dump travels up to more than a megabyte', async () => {
    await run(['SET', 't', 'x'.repeat(1_500_000)]);
    expect(await read(readerOf(500_000_000, redis, 'dump'), key('t'))).toMatchObject({ value: { type: 'dump' } });
    await run(['SET', 't', 'x'.repeat(1_700_000)]);
    expect(await read(readerOf(500_000_000, redis, 'dump'), key('t'))).toMatchObject({ value: { type: 'omitted' } });
  });

  it.each(large)('below the limit is read in pieces that do not hold Redis up: %s', async (title, elements, write) => {
    await write();
    const name = title.slice(0, 1);
    await run(['PEXPIREAT', name, FAR]);
    const state = await holdingNothingUp(() => read(readerOf(100_000_000), key(name)));
    expect(elementsOf(state)).toBe(elements);
    expect(state?.expireAt).toBe(FAR);
  });

  it('comes in the same record whether it is read in one go or in pieces', async () => {
    await fill('h', 30_000, (at) => [`field:${at}`, `value:${at}`]);
    await fill('z', 20_000, (at) => [String(at / 7), `member:${at}`]);
    await fillStream('x', 20_000);
    await run(['XGROUP', 'CREATE', 'x', 'g', '7-0']);
    const [hash = null, zset = null, entries = null] = await run(
      ['HGETALL', 'h'],
      ['ZRANGE', 'z', 0, -1, 'WITHSCORES'],
      ['XRANGE', 'x', '-', '+'],
    );
    const stream = (entries as readonly (readonly [Buffer, readonly Buffer[]])[]).map(([id, fields]) => ({
      id: id.toString(),
      fields,
    }));
    const groups = [{ name: Buffer.from('g'), lastId: '7-0' }];
    const whole: Readonly<Record<string, KeyState['value']>> = {
      h: { type: 'hash', entries: hash as readonly Buffer[] },
      z: { type: 'zset', entries: zset as readonly Buffer[] },
      x: { type: 'stream', stream: { lastId: '20000-0', entries: stream, groups } },
    };
    for (const [name, value] of Object.entries(whole)) {
      const state = await read(readerOf(100_000_000), key(name));
      if (state === undefined) throw new Error('gone');
      expect(encodeState(state, 'json').equals(encodeState({ value, expireAt: undefined }, 'json'))).toBe(true);
    }
  });

  it('does not keep the other keys of its batch from being read', async () => {
    await fill('h', 40_000, (at) => [`field:${at}`, `value:${at}`]);
    await run(['SET', 'a', '1'], ['SET', 'b', '2']);
    const states = found(await readerOf(100_000_000).readAll(['a', 'h', 'b', 'none'].map(key)));
    expect(states.map((each) => (typeof each === 'object' ? each.value.type : each))).toEqual([
      'string',
      'hash',
      'string',
      undefined,
    ]);
  });
});

describe('a batch that is too much for one call', () => {
  it('is read in several: each takes its share, in order, and the rest comes later', async () => {
    const names = Array.from({ length: 60 }, (_, at) => `h${at}`);
    for (const name of names) await fill(name, 1000, (at) => [`field:${at}`, `value:${at}`]);
    const calls = await holdingNothingUp(async () => {
      let waiting = names.map(key);
      let count = 0;
      while (waiting.length > 0) {
        const put = (await readerOf(1_000_000).read(waiting)).map((each) => each === 'later');
        expect(put[0]).toBe(false);
        expect(put.indexOf(true)).toBe(put.includes(true) ? put.lastIndexOf(false) + 1 : -1);
        waiting = waiting.filter((_, at) => put[at]);
        count += 1;
      }
      return count;
    });
    expect(calls).toBeGreaterThan(5);
    expect(calls).toBeLessThan(60);
  });
});

describe('a large key that changes while it is read', () => {
  /** The real connection; `between` runs after each reply to the command, as if another client had been faster. */
  const interrupted = (command: string, between: () => Promise<unknown>): RedisConnection => ({
    call: async (name, ...args) => {
      const reply = await redis.call(name, ...args);
      if (name === command) await between();
      return reply;
    },
    pipeline: (commands) => redis.pipeline(commands),
    script: (script, keys, args) => redis.script(script, keys, args),
    scriptEach: async (script, on) => {
      const reply = await redis.scriptEach(script, on);
      if (command === 'scriptEach') await between();
      return reply;
    },
    serverOf: (key) => redis.serverOf(key),
    ready: (signal) => redis.ready(signal),
    get isReady() {
      return redis.isReady;
    },
    close: () => redis.close(),
  });
  const once = (action: () => Promise<unknown>): (() => Promise<unknown>) => {
    let isDone = false;
    return async () => {
      if (isDone) return;
      isDone = true;
      await action();
    };
  };
  const fieldOf = (state: KeyState | undefined, field: string): string | undefined => {
    if (state?.value.type !== 'hash') return undefined;
    const { entries } = state.value;
    return entries[entries.findIndex((each, at) => at % 2 === 0 && each.toString() === field) + 1]?.toString();
  };

  beforeEach(async () => {
    await fill('h', 40_000, (at) => [`field:${at}`, `value:${at}`]);
  });

  it('is read again, so that its state is one that it had', async () => {
    const change = once(() => run(['HSET', 'h', 'field:0', 'new', 'field:39999', 'new']));
    const state = await read(readerOf(100_000_000, interrupted('HSCAN', change)), key('h'));
    expect([fieldOf(state, 'field:0'), fieldOf(state, 'field:39999')]).toEqual(['new', 'new']);
    expect(elementsOf(state)).toBe(40_000);
  });

  it('is left out when it never stands still', async () => {
    let writes = 0;
    const change = async (): Promise<void> => {
      writes += 1;
      await run(['HSET', 'h', 'field:0', String(writes)]);
    };
    const state = await read(readerOf(100_000_000, interrupted('HSCAN', change)), key('h'));
    expect(state?.value).toMatchObject({ type: 'omitted', redisType: 'hash' });
    expect(elementsOf(await read(readerOf(100_000_000), key('h')))).toBe(40_000);
  });

  it('is found gone when it was deleted', async () => {
    const change = once(() => run(['DEL', 'h']));
    expect(await read(readerOf(100_000_000, interrupted('HSCAN', change)), key('h'))).toBeUndefined();
  });

  it('is found gone when it was deleted before it was read in one go', async () => {
    await fillStream('x', 10_000);
    const change = once(() => run(['DEL', 'x']));
    expect(await read(readerOf(100_000_000, interrupted('scriptEach', change)), key('x'))).toBeUndefined();
  });

  it('does not get in the way of the next one', async () => {
    await fill('z', 8_000, (at) => [String(at), `member:${at}`]);
    const change = once(() => run(['DEL', 'h'], ['SET', 'h', 'v']));
    const reader = readerOf(100_000_000, interrupted('HSCAN', change));
    const [hash, zset] = found(await reader.readAll(['h', 'z'].map(key)));
    expect(hash).toBe('later');
    expect(zset === 'later' ? zset : elementsOf(zset)).toBe(8_000);
  });

  it.each(['scriptEach', 'HSCAN'])('is read as what it has become (%s)', async (command) => {
    const change = once(() => run(['DEL', 'h'], ['SET', 'h', 'v']));
    const state = await read(readerOf(100_000_000, interrupted(command, change)), key('h'));
    expect(state).toEqual({ value: { type: 'string', value: Buffer.from('v') }, expireAt: undefined });
  });

  it('is read again when the connection that watched it was replaced', async () => {
    const change = once(async () => {
      const [id] = await Promise.all([redis.call('CLIENT', 'ID')]);
      await run(['HSET', 'h', 'field:0', 'new'], ['CLIENT', 'KILL', 'ID', Number(id)]);
      await eventually(async () => redis.isReady && (await redis.call('CLIENT', 'ID')) !== id);
    });
    const state = await read(readerOf(100_000_000, interrupted('HSCAN', change)), key('h'));
    expect(fieldOf(state, 'field:0')).toBe('new');
    expect(elementsOf(state)).toBe(40_000);
  });
});
