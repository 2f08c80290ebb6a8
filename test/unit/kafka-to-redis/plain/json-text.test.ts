import { describe, expect, test } from 'vitest';
import { compactText, parseJson } from '../../../../src/kafka-to-redis/plain/json-text.ts';

const parse = (text: string) => parseJson(Buffer.from(text));
const unreadable = (message: string | RegExp) =>
  expect.objectContaining({ code: 'KF_RECORD_UNREADABLE', message: expect.stringMatching(message) as string }) as Error;

describe('a JSON value', () => {
  test.each(['12345678901234567890', '-0', '1.0', '1e400', '0.1000', '123E+5'])(
    'keeps the digits of the number %s',
    (digits) => {
      expect(parse(digits)).toEqual({ type: 'number', text: digits });
      expect(compactText(parse(`[ ${digits} ]`))).toBe(`[${digits}]`);
    },
  );

  test('keeps the order of members, those that look like numbers too', () => {
    const json = parse('{"b":1,"2":1,"a":1,"1":1}');
    expect(json.type === 'object' && [...json.members.keys()]).toEqual(['b', '2', 'a', '1']);
  });

  test('takes __proto__ for a name like any other', () => {
    const json = parse('{"__proto__":{"a":1},"constructor":2}');
    expect(json.type === 'object' && [...json.members.keys()]).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['a']).toBeUndefined();
  });

  test('loses the spaces between its parts, and none inside of a string', () => {
    const json = parse('\n{ "a b" : [ 1 ,\t"c \\" d\\\\" , { } ] }\r\n');
    expect(compactText(json)).toBe('{"a b":[1,"c \\" d\\\\",{}]}');
  });

  test('is read behind a byte order mark', () => {
    expect(parse('\ufeff{"a":1}')).toMatchObject({ type: 'object', text: '{"a":1}' });
    expect(parse('"\ufeff"').text).toBe('\ufeff');
  });

  test('may be deep, but not without end', () => {
    const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect(parse(nested(128)).type).toBe('array');
    expect(() => parse(nested(129))).toThrow(unreadable('more than 128 levels'));
    expect(() => parse('['.repeat(1_000_000))).toThrow(unreadable('more than 128 levels'));
    expect(() => parse('{"a":'.repeat(1_000_000))).toThrow(unreadable('more than 128 levels'));
  });

  test('is none with one name twice in an object, however it is written', () => {
    expect(() => parse('{"a":1,"a":1}')).toThrow(unreadable('a name twice'));
    expect(() => parse('{"a":1,"\\u0061":2}')).toThrow(unreadable('a name twice'));
    expect(parse('{"a":{"a":1}}').type).toBe('object');
  });

  test('is none with bytes that are not UTF-8, or half a surrogate pair', () => {
    expect(() => parseJson(Buffer.from([0x22, 0xff, 0x22]))).toThrow(unreadable('not valid UTF-8'));
    expect(() => parse('"\\ud800"')).toThrow(unreadable('half a surrogate pair'));
    expect(() => parse('{"\\udc00x":1}')).toThrow(unreadable('half a surrogate pair'));
    expect(parse('"\\ud83d\\ude00"').text).toBe('😀');
  });

  const damaged = ['', ' ', '{', '[1', '"abc', '"\\', '"a\nb"', '"\\x"', '{"a"}', '{a:1}', "'a'", '[1,]', '{"a":1,}'];
  test.each([...damaged, '1 2', '01', '+1', '.5', '1.', 'tru', 'nul', 'NaN', '\u00a01', '[1 2]', ']'])(
    'is not %j, and the error does not quote it',
    (text) => {
      expect(() => parse(text)).toThrow(unreadable(/^the JSON is damaged at character \d+$/));
    },
  );
});
