import { describe, expect, it } from 'vitest';
import { decodeState, encodeState } from '../../../src/codecs/key-record.ts';
import type { KeyState, KeyValue } from '../../../src/core/key-state.ts';
import { inFieldOrder } from '../../support/states.ts';

const NEVER = { redisType: 'string', expireAt: undefined };
const state = (value: KeyValue, expireAt?: number): KeyState => ({ value, expireAt });
const bytes = (...texts: string[]): Buffer[] => texts.map((text) => Buffer.from(text));
const text = (value: KeyValue, expireAt?: number): string => encodeState(state(value, expireAt), 'json').toString();
const decode = (json: string): KeyValue => decodeState(Buffer.from(json), NEVER).value;
const scores = (...texts: string[]): KeyValue => ({
  type: 'zset',
  entries: texts.flatMap((score, at) => bytes(`m${at}`, score)),
});

describe('a hash as JSON', () => {
  it('keeps fields that a JavaScript object would reorder or swallow', () => {
    const entries = bytes('10', 'ten', '9', 'nine', '__proto__', 'p', 'constructor', 'c', '', 'empty');
    const written = text({ type: 'hash', entries });
    expect(written).toBe(
      '{"type":"hash","value":{"":"empty","10":"ten","9":"nine","__proto__":"p","constructor":"c"}}',
    );
    const fields = bytes('', 'empty', '10', 'ten', '9', 'nine', '__proto__', 'p', 'constructor', 'c');
    expect(inFieldOrder(state(decode(written)))).toEqual(state({ type: 'hash', entries: fields }));
  });

  it('sorts fields by their bytes, not by their UTF-16 units', () => {
    expect(text({ type: 'hash', entries: bytes('🚢', '2', 'ﬀ', '1') })).toBe(
      '{"type":"hash","value":{"ﬀ":"1","🚢":"2"}}',
    );
  });

  it('turns to base64 as a whole where one value is not UTF-8', () => {
    const value: KeyValue = { type: 'hash', entries: [Buffer.from('f'), Buffer.from([0xff])] };
    expect(text(value)).toBe('{"type":"hash","encoding":"base64","value":{"Zg==":"/w=="}}');
    expect(decode(text(value))).toEqual(value);
  });

  it('keeps an expiry beside its field, however the fields are sorted', () => {
    const value: KeyValue = { type: 'hash', entries: bytes('b', '2', 'a', '1'), fieldExpireAt: [7, undefined] };
    expect(text(value)).toBe('{"type":"hash","value":{"a":"1","b":"2"},"fieldExpireAt":{"b":7}}');
    expect(decode(text(value))).toEqual({
      type: 'hash',
      entries: bytes('a', '1', 'b', '2'),
      fieldExpireAt: [undefined, 7],
    });
  });
});

describe('a zset as JSON', () => {
  it('orders members that share a score by their bytes', () => {
    const value: KeyValue = { type: 'zset', entries: bytes('b', '1', '10', '1', 'a', '1', '9', '1') };
    expect(text(value)).toBe('{"type":"zset","value":[["10",1],["9",1],["a",1],["b",1]]}');
  });

  it.each([
    ['0.10000000000000001', '0.1'],
    ['-0', '-0'],
    ['9007199254740993', '9007199254740992'],
    ['1.8446744073709552e+19', '18446744073709552000'],
    ['4.9406564584124654e-324', '5e-324'],
    ['1.7976931348623157e+308', '1.7976931348623157e+308'],
    ['3.0000000000000004', '3.0000000000000004'],
    ['inf', '"inf"'],
    ['-inf', '"-inf"'],
  ])('writes the score %s as %s, which is the same double', (score, written) => {
    expect(text(scores(score))).toBe(`{"type":"zset","value":[["m0",${written}]]}`);
    const again = decode(text(scores(score)));
    expect(again).toEqual(scores(written.replaceAll('"', '')));
  });
});

describe('a RedisJSON document', () => {
  it.each(['{"2":1.0,"1":[12345678901234567890,1e400]}', '"},\\"expireAt\\":5"', 'null', '-0', '[]'])(
    'travels as Redis gave it, with and without an expiry: %s',
    (document) => {
      const value: KeyValue = { type: 'json', document: Buffer.from(document) };
      expect(decode(text(value))).toEqual(value);
      expect(decode(text(value, 5))).toEqual(value);
    },
  );

  it('is read where something else wrote the record', () => {
    const document = Buffer.from('{"a":[1]}');
    expect(decode('{ "value": {"a": [1]}, "type": "json" }')).toEqual({ type: 'json', document });
    expect(decode('{"type":"json","value":{"a":[1]},"more":2}')).toEqual({ type: 'json', document });
  });

  it('turns to base64 where it is not UTF-8', () => {
    const value: KeyValue = { type: 'json', document: Buffer.from([0x22, 0xff, 0x22]) };
    expect(text(value)).toBe('{"type":"json","encoding":"base64","value":"Iv8i"}');
    expect(decode(text(value))).toEqual(value);
  });
});

describe('a string as JSON', () => {
  it('escapes what JSON.stringify escapes, and nothing else', () => {
    const all = String.fromCodePoint(...Array(0x3000).keys(), 0xfeff, 0xffff, 0x10000, 0x10ffff);
    expect(text({ type: 'string', value: Buffer.from(all) })).toBe(`{"type":"string","value":${JSON.stringify(all)}}`);
  });

  it('may be larger than the room that the encoder keeps', () => {
    const value: KeyValue = { type: 'string', value: Buffer.alloc(300_000, '"x') };
    expect(text(value)).toBe(`{"type":"string","value":${JSON.stringify('"x'.repeat(150_000))}}`);
    expect(text({ type: 'string', value: Buffer.from('next') })).toBe('{"type":"string","value":"next"}');
  });
});

describe('damaged JSON', () => {
  it.each([
    ['{"type":"string"', 'the JSON is damaged'],
    ['{}', 'type is not a JSON string'],
    ['{"type":"string"}', 'a string is not a JSON string'],
    ['{"type":"string","value":"\\ud800"}', 'a string holds half a surrogate pair'],
    ['{"type":"string","value":"a","encoding":"hex"}', 'encoding is not base64'],
    ['{"type":"string","value":"a","encoding":"base64"}', 'a string is not base64'],
    ['{"type":"string","value":"a","expireAt":1.5}', 'expireAt is not a whole number'],
    ['{"type":"string","value":"a","expireAt":null}', 'expireAt is not a whole number'],
    ['{"type":"hash","value":[]}', 'a hash is not a JSON object'],
    ['{"type":"hash","value":{"a":1}}', 'a value of a hash is not a JSON string'],
    ['{"type":"hash","value":{"a":"1"},"fieldExpireAt":{"a":-1}}', 'fieldExpireAt is not a whole number'],
    ['{"type":"list","value":{}}', 'a list is not a JSON array'],
    ['{"type":"set","value":[null]}', 'a member of a set is not a JSON string'],
    ['{"type":"zset","value":[["a"]]}', 'a score is no number, "inf" or "-inf"'],
    ['{"type":"zset","value":[["a",1e400]]}', 'a score is no number, "inf" or "-inf"'],
    ['{"type":"zset","value":[["a",1,2]]}', 'an entry of a zset is not a pair of member and score'],
    ['{"type":"stream","value":{"lastId":"1","entries":[],"groups":[]}}', 'an ID of a stream is not of the form 1-2'],
    ['{"type":"stream","value":{"lastId":"1-0","groups":[]}}', 'entries of a stream is not a JSON array'],
    [
      '{"type":"stream","value":{"lastId":"1-0","entries":[["1-0",["f"]]],"groups":[]}}',
      'an entry of a stream is not [id, [field, value]]',
    ],
    ['{"type":"json"}', 'a JSON document is missing'],
    ['{"type":"list","omitted":true}', 'bytes is not a whole number'],
    ['{"type":"MBbloom--"}', 'type "MBbloom--" has neither a known value nor a dump'],
    ['{"type":"MBbloom--","dump":"?"}', 'dump is not base64'],
  ])('%s is refused: %s', (json, message) => {
    expect(() => decode(json)).toThrow(expect.objectContaining({ code: 'KF_RECORD_UNREADABLE', message }));
  });

  it('is refused where it is not UTF-8', () => {
    const value = Buffer.from('{"type":"string","value":"\xff"}', 'latin1');
    expect(() => decodeState(value, NEVER)).toThrow(expect.objectContaining({ code: 'KF_RECORD_UNREADABLE' }));
  });
});
