import { describe, expect, it } from 'vitest';
import { headerWriter, publishedHeaders, readKeyRecordHeaders } from '../../../src/codecs/record-headers.ts';

const writer = headerWriter({ db: 3, origin: 'abc' });
const texts = (headers: ReadonlyMap<string, Buffer>): readonly (readonly [string, string])[] =>
  [...headers].map(([name, bytes]) => [name, bytes.toString()]);

describe('the headers of a record', () => {
  it('say what happened to which database when', () => {
    const headers = writer.set({ redisType: 'hash', expireAt: 99, ts: 5 });
    expect(texts(headers)).toEqual([
      ['kf-op', 'set'],
      ['kf-type', 'hash'],
      ['kf-db', '3'],
      ['kf-ts', '5'],
      ['kf-origin', 'abc'],
      ['kf-v', '1'],
      ['kf-expire-at', '99'],
    ]);
    expect(readKeyRecordHeaders(headers)).toEqual({
      op: 'set',
      redisType: 'hash',
      db: 3,
      ts: 5,
      origin: 'abc',
      expireAt: 99,
    });
  });

  it('are told apart by op, type, moment and expiry, however much records share', () => {
    const written = [
      writer.set({ redisType: 'string', expireAt: undefined, ts: 1 }),
      writer.set({ redisType: 'hash', expireAt: undefined, ts: 1 }),
      writer.set({ redisType: 'string', expireAt: 4, ts: 1 }),
      writer.gone({ op: 'del', redisType: 'string', ts: 1 }),
      writer.gone({ op: 'expired', redisType: 'string', ts: 2 }),
      writer.set({ redisType: 'string', expireAt: undefined, ts: 2 }),
      writer.set({ redisType: 'string', expireAt: undefined, ts: 1 }),
    ];
    const read = written.map((headers) => readKeyRecordHeaders(headers));
    expect(read.map(({ op, redisType, ts, expireAt }) => [op, redisType, ts, expireAt])).toEqual([
      ['set', 'string', 1, undefined],
      ['set', 'hash', 1, undefined],
      ['set', 'string', 1, 4],
      ['del', 'string', 1, undefined],
      ['expired', 'string', 2, undefined],
      ['set', 'string', 2, undefined],
      ['set', 'string', 1, undefined],
    ]);
  });

  it.each([
    ['kf-v', undefined, 'header kf-v is missing'],
    ['kf-v', '2', 'header kf-v names record version 2; this Keyferry reads 1'],
    ['kf-op', undefined, 'header kf-op is missing'],
    ['kf-op', 'rename', 'header kf-op is none of set, del, expired, evicted, flushed'],
    ['kf-type', undefined, 'header kf-type is missing'],
    ['kf-db', 'x', 'header kf-db is not a whole number'],
    ['kf-ts', '', 'header kf-ts is not a whole number'],
    ['kf-ts', '99999999999999999999', 'header kf-ts is not a whole number'],
    ['kf-expire-at', '-1', 'header kf-expire-at is not a whole number'],
    ['kf-origin', undefined, 'header kf-origin is missing'],
  ])('with %s = %s are refused: %s', (name, text, message) => {
    const headers = new Map(writer.set({ redisType: 'string', expireAt: 1, ts: 1 }));
    if (text === undefined) headers.delete(name);
    else headers.set(name, Buffer.from(text));
    expect(() => readKeyRecordHeaders(headers)).toThrow(
      expect.objectContaining({ code: 'KF_RECORD_UNREADABLE', message }),
    );
  });

  it('of a foreign record are no error for the state store', () => {
    expect(publishedHeaders(new Map())).toEqual({ redisType: 'unknown', expireAt: undefined });
    expect(publishedHeaders(new Map([['kf-expire-at', Buffer.from('soon')]]))).toEqual({
      redisType: 'unknown',
      expireAt: undefined,
    });
  });
});
