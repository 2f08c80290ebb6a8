import { describe, expect, test } from 'vitest';
import type { OutgoingRecord } from '../../src/clients/kafka/port.ts';
import type { PlainOptions } from '../../src/kafka-to-redis/plain/plain-options.ts';
import { SinkFixture } from './sink-fixture.ts';

const BINARY = Buffer.from([0, 255, 128, 13, 10]);

const record = (key: string | Buffer, value: string | Buffer | null, headers = {}): Partial<OutgoingRecord> => ({
  key: Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
  headers: new Map(Object.entries<string>(headers).map(([name, text]) => [name, Buffer.from(text)])),
});
const json = (key: string, value: unknown): Partial<OutgoingRecord> => record(key, JSON.stringify(value));

describe('a plain sink', () => {
  const fixture = new SinkFixture();
  const start = (options: Partial<PlainOptions>) =>
    fixture.start({ format: 'json', key: '{key}', as: 'string', ...options, deadLetter: `${fixture.topic}.dead` });

  test('writes strings byte for byte, under keys byte for byte', async () => {
    start({ format: 'string', key: 'a {key}' });
    const { counts } = await fixture.apply(record(BINARY, BINARY), record('', ''));
    expect(await fixture.redis.getBuffer(Buffer.concat([Buffer.from('a '), BINARY]))).toEqual(BINARY);
    expect(await fixture.redis.get('a ')).toBe('');
    expect(counts).toEqual({ applied: 2 });
  });

  test('writes a JSON string as its content and any other JSON as its text, digits and all', async () => {
    start({});
    await fixture.apply(json('text', 'a\nb'), record('number', '12345678901234567890'), json('object', { a: [1] }));
    expect(await fixture.redis.mget('text', 'number', 'object')).toEqual(['a\nb', '12345678901234567890', '{"a":[1]}']);
  });

  test('makes keys of places, headers and parts of the value', async () => {
    start({ key: '{topic}:{partition}:{offset}:{header.tenant}:{value.user.id}' });
    await fixture.apply(record('k', '{"user":{"id":12345678901234567890}}', { tenant: 'acme' }));
    expect(await fixture.redis.exists(`${fixture.topic}:0:0:acme:12345678901234567890`)).toBe(1);
  });

  test.each([
    ['hash', { a: { b: 1 }, list: [1, { x: null }], gone: null }, { 'a.b': '1', list: '[1,{"x":null}]' }],
    ['set', ['b', 1, true], ['1', 'b', 'true']],
    [
      'zset',
      [
        ['m', 2],
        ['n', '-inf'],
        ['o', 0.5],
      ],
      ['n', '-inf', 'o', '0.5', 'm', '2'],
    ],
    // The same number, as Redis spells it before and since 7.2.
    ['zset', { m: 2, n: 1e-320 }, ['n', expect.stringMatching(/^(9\.9998886718268301e-321|1e-320)$/), 'm', '2']],
  ] as const)('replaces a key of any type by a %s of %j', async (as, value, expected) => {
    start({ as });
    await fixture.redis.rpush('k', 'of', 'another', 'type');
    await fixture.apply(json('k', value));
    const look = {
      hash: () => fixture.redis.hgetall('k'),
      set: async () => (await fixture.redis.smembers('k')).sort(),
      zset: async () => await fixture.redis.zrange('k', 0, -1, 'WITHSCORES'),
    };
    expect(await look[as]()).toEqual(expected);
    await fixture.apply(json('k', as === 'hash' ? { only: 'this' } : as === 'set' ? ['only'] : { only: 1 }));
    expect(await fixture.redis[as === 'hash' ? 'hlen' : as === 'set' ? 'scard' : 'zcard']('k')).toBe(1);
  });

  test.each([
    ['string', '1'],
    ['hash', '{"a":1}'],
    ['set', '[1]'],
    ['zset', '{"a":1}'],
  ] as const)('deletes a key that holds a %s at a null', async (as, value) => {
    start({ as });
    await fixture.apply(record('k', value));
    expect(await fixture.redis.exists('k')).toBe(1);
    const { counts } = await fixture.apply(record('k', null), record('never there', null));
    expect(await fixture.redis.exists('k')).toBe(0);
    expect(counts['dead-lettered']).toBeUndefined();
  });

  test.each(['hash', 'set', 'zset'] as const)('leaves no key for an empty %s', async (as) => {
    start({ as });
    await fixture.redis.set('k', 'before');
    await fixture.apply(json('k', as === 'hash' ? {} : []));
    expect(await fixture.redis.exists('k')).toBe(0);
  });

  test.each([
    ['string', '"v"'],
    ['hash', '{"a":1}'],
    ['set', '[1]'],
    ['zset', '{"a":1}'],
    ['list', '1'],
    ['stream', '{"a":1}'],
  ] as const)('lets a %s expire so long after its last write', async (as, value) => {
    start({ as, expireMs: 3_600_000 });
    await fixture.apply(record('k', value));
    await fixture.redis.pexpire('k', 5_000);
    await fixture.apply(record('k', value));
    const left = await fixture.redis.pttl('k');
    expect(left).toBeGreaterThan(3_500_000);
    expect(left).toBeLessThanOrEqual(3_600_000);
  });

  test('takes an expiry away that it was not told of, where it replaces', async () => {
    start({});
    await fixture.redis.set('k', 'before', 'EX', 100);
    await fixture.apply(json('k', 'after'));
    expect(await fixture.redis.pttl('k')).toBe(-1);
  });

  test('ends in the last record of a key, whatever stood before it in the batch', async () => {
    await fixture.send(
      json('a', { n: 1 }),
      record('a', '{'),
      json('a', { n: 2 }),
      json('b', { n: 1 }),
      record('b', null),
    );
    const { outcomes } = start({ as: 'hash' });
    await fixture.caughtUp();
    expect(await fixture.redis.hgetall('a')).toEqual({ n: '2' });
    expect(await fixture.redis.exists('b')).toBe(0);
    expect(outcomes.counts).toEqual({ applied: 2, superseded: 3 });
  });

  test('writes a hash of 20,000 fields, and one whose names are traps', async () => {
    start({ as: 'hash' });
    const big = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`field${at}`, at]));
    await fixture.apply(json('big', big), record('traps', '{"__proto__":{"a":1},"constructor":"c","":"e"}'));
    expect(await fixture.redis.hlen('big')).toBe(20_000);
    expect(await fixture.redis.hgetall('traps')).toEqual({ '__proto__.a': '1', constructor: 'c', '': 'e' });
  });

  test("never writes Keyferry's own keys, whatever makes up the name", async () => {
    start({ key: '__keyferry__{key}' });
    const { counts } = await fixture.apply(json(':origin', 'x'), record(':canary', null), json('x', 'y'));
    expect(await fixture.redis.get('__keyferry__:origin')).not.toBe('x');
    expect(await fixture.redis.get('__keyferry__x')).toBe('y');
    expect(counts).toEqual({ reserved: 2, applied: 1 });
  });

  test('I7: passes over what a keyspace source of this very database has published', async () => {
    await fixture.redis.set('__keyferry__:origin', 'this Redis');
    start({ format: 'string', key: 'copy:{key}' });
    const { counts } = await fixture.apply(
      record('a', 'own', { 'kf-origin': 'this Redis', 'kf-db': '0' }),
      record('b', 'an entry of a stream', { 'kf-origin': 'this Redis', 'kf-stream': 's' }),
    );
    expect(await fixture.redis.mget('copy:a', 'copy:b')).toEqual([null, 'an entry of a stream']);
    expect(counts).toEqual({ own: 1, applied: 1 });
  });

  test('says what it is in its status', async () => {
    const { sink } = start({});
    await fixture.apply(json('a', 1));
    expect(sink.status()).toMatchObject({ name: 'profiles', format: 'json', state: 'running' });
    expect(sink.health()).toEqual([]);
  });

  test('whose options do not fit each other is refused before it starts', () => {
    expect(() => start({ format: 'string', as: 'hash' })).toThrow(
      expect.objectContaining({ code: 'KF_CONFIG_INVALID' }) as Error,
    );
  });
});
