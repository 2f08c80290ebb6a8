import { describe, expect, test } from 'vitest';
import { appendedValues } from '../../../../src/kafka-to-redis/plain/appended-values.ts';
import type { AppendedType, ReplacedType } from '../../../../src/kafka-to-redis/plain/plain-options.ts';
import { PlainRecord } from '../../../../src/kafka-to-redis/plain/plain-record.ts';
import { plainReplacement } from '../../../../src/kafka-to-redis/plain/plain-replacement.ts';
import { checkSize } from '../../../../src/kafka-to-redis/plain/size-limits.ts';
import { plainRecord } from './record-fixture.ts';

const shown = (values: readonly (string | number | Buffer)[] | undefined) => values?.map(String);
const replacement = (as: ReplacedType, value: string | null, expireMs = 0) =>
  shown(plainReplacement(plainRecord({ value }), { as, expireMs }));
const addition = (as: AppendedType, value: string) =>
  shown(appendedValues(plainRecord({ value }), { as, format: 'json' }));

const unreadable = (message: string) =>
  expect.objectContaining({
    code: 'KF_RECORD_UNREADABLE',
    message: expect.stringContaining(message) as string,
  }) as Error;

describe('what a JSON value becomes', () => {
  test('as a string: the content of a JSON string, and of anything else its compact text', () => {
    expect(replacement('string', '"a\\nb"')).toEqual(['string', '', '1', 'a\nb']);
    expect(replacement('string', '{ "n" : 12345678901234567890 }')).toEqual([
      'string',
      '',
      '1',
      '{"n":12345678901234567890}',
    ]);
    expect(replacement('string', 'null')).toEqual(['string', '', '1', 'null']);
  });

  test('as a hash: fields by their path, with a backslash before a dot or backslash of a name', () => {
    const value = '{"a":{"b":1.0,"c.d":"x"},"a.b":true,"\\\\":[1, {"x": 2}],"e":{},"n":null,"":""}';
    expect(replacement('hash', value)?.slice(3)).toEqual([
      ...['a.b', '1.0', 'a.c\\.d', 'x', 'a\\.b', 'true', '\\\\', '[1,{"x":2}]', 'e', '{}', '', ''],
    ]);
  });

  test('as a set: its scalars', () => {
    expect(replacement('set', '["a", 1, 12345678901234567890, false]')?.slice(3)).toEqual([
      ...['a', '1', '12345678901234567890', 'false'],
    ]);
  });

  test('as a zset: pairs or members, scores first', () => {
    expect(replacement('zset', '[["a",1.50],["b","-inf"]]')?.slice(3)).toEqual(['1.5', 'a', '-inf', 'b']);
    expect(replacement('zset', '{"a":1e-400,"__proto__":"inf"}')?.slice(3)).toEqual(['0', 'a', 'inf', '__proto__']);
  });

  test('as json: the document as it stands in the record', () => {
    expect(replacement('json', '\ufeff{"a": 1}')).toEqual(['json', '', '1', '{"a": 1}']);
    expect(replacement('json', '"x\\u0041"')).toEqual(['json', '', '1', '"xA"']);
  });

  test.each([
    ['hash', null],
    ['hash', '{}'],
    ['hash', '{"a":null,"b":null}'],
    ['set', '[]'],
    ['zset', '[]'],
    ['zset', '{}'],
    ['string', null],
    ['json', null],
  ] as const)('as a %s of %s: no key', (as, value) => {
    expect(replacement(as, value)).toBeUndefined();
  });

  test.each([
    ['hash', '[1]', 'a hash is made of a JSON object, and this is an array'],
    ['hash', 'null', 'and this is null'],
    ['set', '{"a":1}', 'a set is made of a JSON array, and this is an object'],
    ['set', '[["a"]]', 'a member of a set is an array'],
    ['set', '[null]', 'a member of a set is null'],
    ['zset', '"a"', 'a zset is made of a JSON object or array, and this is a string'],
    ['zset', '[["a"]]', 'not a pair'],
    ['zset', '[["a",1,2]]', 'not a pair'],
    ['zset', '["a",1]', 'not a pair'],
    ['zset', '[["a",1],["a",2]]', 'a member stands twice'],
    ['zset', '[[null,1]]', 'a member of a zset is null'],
    ['zset', '{"a":"1"}', 'a score is no number'],
    ['zset', '{"a":1e400}', 'a score is no number'],
    ['zset', '{"a":null}', 'a score is no number'],
  ] as const)('as a %s is not %s', (as, value, message) => {
    expect(() => replacement(as, value)).toThrow(unreadable(message));
  });

  test('lives for so long from the write on', () => {
    expect(replacement('string', '"a"', 60_000)?.[1]).toBe('+60000');
  });

  test('as an item of a list is what it is as a string', () => {
    expect(addition('list', '"a b"')).toEqual(['a b']);
    expect(addition('list', '{"id": 1}')).toEqual(['{"id":1}']);
  });

  test('as an entry of a stream has the fields of a hash', () => {
    expect(addition('stream', '{"a":{"b":1},"c":null}')).toEqual(['a.b', '1']);
    expect(() => addition('stream', '[1]')).toThrow(unreadable('made of a JSON object'));
    expect(() => addition('stream', '{"a":null}')).toThrow(unreadable('no field'));
    const many = JSON.stringify(Object.fromEntries(Array.from({ length: 4_000 }, (_, at) => [`f${at}`, at])));
    expect(() => addition('stream', many)).toThrow(unreadable('8000 fields and values'));
  });
});

describe('a value that is taken as it is', () => {
  const BYTES = Buffer.from([0, 255, 13, 10]);
  const record = new PlainRecord({ ...plainRecord({}).record, value: BYTES }, { topic: 't', partition: 0 }, 'string');

  test('is byte for byte the string, the item, or the field `value` of an entry', () => {
    expect(plainReplacement(record, { as: 'string' })).toEqual(['string', '', 1, BYTES]);
    expect(appendedValues(record, { as: 'list', format: 'string' })).toEqual([BYTES]);
    expect(appendedValues(record, { as: 'stream', format: 'string' })).toEqual([Buffer.from('value'), BYTES]);
  });
});

describe('what is too large for Redis', () => {
  const limits = { maxStringBytes: 10 };

  test('is a string beyond proto-max-bulk-len, or a million fields and values', () => {
    checkSize([Buffer.alloc(10)], limits);
    expect(() => {
      checkSize([Buffer.alloc(1), Buffer.alloc(11)], limits);
    }).toThrow(unreadable('a string of 11 bytes is beyond the 10'));
    expect(() => {
      checkSize(Array<string>(1_000_001).fill(''), limits);
    }).toThrow(unreadable('more than 1000000'));
  });
});
