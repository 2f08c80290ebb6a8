import { describe, expect, it } from 'vitest';
import type { RedisReply } from '../../../../src/clients/redis/port.ts';
import {
  PIECES,
  type LargeKey,
  distinct,
  pieceSize,
  readsWhole,
} from '../../../../src/redis-to-kafka/converge/key-pieces.ts';
import { readReply } from '../../../../src/redis-to-kafka/converge/read-keys-reply.ts';

const bulk = (text: string): Buffer => Buffer.from(text);

describe('the reply of the reading script', () => {
  it.each<[string, RedisReply, unknown]>([
    ['a key that is gone', null, undefined],
    ['a key that is put off', 0, 'later'],
    ['a string', bulk('v'), { value: { type: 'string', value: bulk('v') }, expireAt: undefined }],
    ['a string that expires', [7, bulk('v')], { value: { type: 'string', value: bulk('v') }, expireAt: 7 }],
    [
      'a hash whose fields expire',
      [bulk('hash'), -1, [bulk('a'), bulk('1'), bulk('b'), bulk('2')], [-1, 9]],
      {
        value: {
          type: 'hash',
          entries: [bulk('a'), bulk('1'), bulk('b'), bulk('2')],
          fieldExpireAt: [undefined, 9],
        },
        expireAt: undefined,
      },
    ],
    [
      'a packed hash that expires',
      [3, bulk('packed'), 1],
      { value: { type: 'packed', redisType: 'hash', strings: bulk('packed') }, expireAt: 3 },
    ],
    [
      'a packed sorted set',
      [-1, bulk('packed'), 4],
      { value: { type: 'packed', redisType: 'zset', strings: bulk('packed') }, expireAt: undefined },
    ],
    [
      'a value too large to travel',
      [bulk('list'), 5, 123],
      { value: { type: 'omitted', redisType: 'list', bytes: 123 }, expireAt: 5 },
    ],
    [
      'a key too large for the call',
      [bulk('hash'), -1, null, 40_000, 1, 3_000_000, 1, 0],
      { type: 'hash', elements: 40_000, parts: 1, bytes: 3_000_000, fieldsMayExpire: true, hasExpireTime: false },
    ],
    [
      'a RedisJSON document',
      [bulk('ReJSON-RL'), -1, bulk('{"a":1.0}')],
      { value: { type: 'json', document: bulk('{"a":1.0}') }, expireAt: undefined },
    ],
    [
      'a RedisJSON document that is too large',
      [bulk('ReJSON-RL'), -1, 99],
      { value: { type: 'omitted', redisType: 'json', bytes: 99 }, expireAt: undefined },
    ],
    [
      'a type of a module',
      [bulk('MBbloom--'), -1, bulk('payload')],
      { value: { type: 'dump', redisType: 'MBbloom--', payload: bulk('payload') }, expireAt: undefined },
    ],
  ])('tells of %s', (_, reply, found) => {
    expect(readReply(reply, 'json')).toEqual(found);
  });

  it('tells in format dump of a payload, whatever the type', () => {
    const found = readReply([bulk('ReJSON-RL'), 4, bulk('payload')], 'dump');
    expect(found).toEqual({ value: { type: 'dump', redisType: 'json', payload: bulk('payload') }, expireAt: 4 });
  });
});

describe('a key in pieces', () => {
  const key = (known: Partial<LargeKey>): LargeKey => ({
    type: 'hash',
    elements: 10,
    parts: 1,
    bytes: 1000,
    fieldsMayExpire: false,
    hasExpireTime: true,
    ...known,
  });

  it('is read in one go where that takes few milliseconds, and its fields cannot expire', () => {
    expect(readsWhole(key({ elements: 20_000 }))).toBe(true);
    expect(readsWhole(key({ elements: 20_000, fieldsMayExpire: true }))).toBe(false);
    expect(readsWhole(key({ elements: 40_000 }))).toBe(false);
    expect(readsWhole(key({ elements: 10, bytes: 20_000_000 }))).toBe(false);
  });

  it('has the smaller pieces the more fields the entries of a stream have', () => {
    const stream = { type: 'stream', elements: 10_000 } as const;
    expect(readsWhole(key({ ...stream, parts: 4 }))).toBe(true);
    expect(readsWhole(key({ ...stream, parts: 100 }))).toBe(false);
    expect(pieceSize(key({ ...stream, parts: 100 }))).toBeLessThan(pieceSize(key({ ...stream, parts: 4 })) / 20);
  });

  it('has the smaller pieces the larger its elements are, and at least one element in each', () => {
    const sizes = [1e6, 1e7, 1e8, 1e12].map((bytes) => pieceSize(key({ elements: 100_000, bytes })));
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    expect(sizes[0]).toBeGreaterThan(5000);
    expect(sizes[3]).toBe(1);
  });

  it('goes on until a piece is shorter than asked for, or a scan has come around', () => {
    const item = bulk('i');
    expect(PIECES.list.read([item, item], '4', 2)).toEqual({ items: [item, item], next: '6' });
    expect(PIECES.list.read([item], '4', 2)).toEqual({ items: [item], next: undefined });
    expect(PIECES.zset.read([item, item], '0', 1).next).toBe('1');
    expect(PIECES.string.read(bulk('ab'), '0', 2).next).toBe('2');
    expect(PIECES.string.read(bulk(''), '2', 2).next).toBeUndefined();
    expect(PIECES.hash.read([bulk('17'), []], '0', 2).next).toBe('17');
    expect(PIECES.set.read([bulk('0'), [item]], '17', 2)).toEqual({ items: [item], next: undefined });
    expect(PIECES.stream.read([[bulk('5-1'), []]], '-', 1).next).toBe('(5-1');
    expect(PIECES.stream.read([], '(5-1', 1).next).toBeUndefined();
  });

  it('holds no field twice that a scan gave twice', () => {
    const entries = ['a', '1', 'b', '2', 'a', '1', 'c', 'a'].map(bulk);
    expect(distinct('hash', entries)).toEqual(['a', '1', 'b', '2', 'c', 'a'].map(bulk));
    expect(distinct('set', ['a', 'b', 'a'].map(bulk))).toEqual(['a', 'b'].map(bulk));
    expect(distinct('list', ['a', 'b', 'a'].map(bulk))).toEqual(['a', 'b', 'a'].map(bulk));
  });
});
