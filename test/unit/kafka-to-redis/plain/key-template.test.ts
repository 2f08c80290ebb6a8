import { describe, expect, test } from 'vitest';
import { parseKeyTemplate } from '../../../../src/kafka-to-redis/plain/key-template.ts';
import { type PlainOptions, checkPlainOptions } from '../../../../src/kafka-to-redis/plain/plain-options.ts';
import { plainRecord } from './record-fixture.ts';

const VALUE = '{"id":12345678901234567890,"a":{"b":["x",{"c":"deep"}]},"d.e":"dot","ok":true,"no":null,"":"empty"}';
const RECORD = { key: 'k', value: VALUE, headers: { tenant: 'acme', bin: Buffer.from([255]) }, offset: 7n };
const keyOf = (template: string, parts = {}) => parseKeyTemplate(template).keyOf(plainRecord({ ...RECORD, ...parts }));

describe('a key template', () => {
  test.each([
    ['profile:{key}', 'profile:k'],
    ['{topic}/{partition}/{offset}', 'topic/0/7'],
    ['{value.id}', '12345678901234567890'],
    ['{value.ok}:{value.a.b.0}:{value.a.b.1.c}', 'true:x:deep'],
    ['{value.d\\.e}', 'dot'],
    ['{header.tenant}', 'acme'],
    ['{{{key}}}:{{}}', '{k}:{}'],
    ['constant', 'constant'],
  ])('%s gives %s', (template, key) => {
    expect(String(keyOf(template))).toBe(key);
  });

  test('keeps the bytes of keys, headers and values that are no text', () => {
    const key = Buffer.from([0, 255, 254, 10]);
    expect(keyOf('{key}', { key })).toEqual(key);
    expect(keyOf('a{key}{header.bin}', { key })).toEqual(Buffer.from([97, 0, 255, 254, 10, 255]));
    expect(keyOf('{value}', { value: key, format: 'string' })).toEqual(key);
    expect(String(keyOf('{value}', { value: '"text"' }))).toBe('text');
  });

  test.each([
    ['{value.x}', "the value's x, which the key needs, is missing or null"],
    ['{value.no}', 'missing or null'],
    ['{value.a.b.2}', 'missing or null'],
    ['{value.a.b.00}', 'missing or null'],
    ['{value.a.b.length}', 'missing or null'],
    ['{value.toString}', 'missing or null'],
    ['{value.id.x}', 'missing or null'],
    ['{value.a}', "the value's a, which the key needs, is an object"],
    ['{value.a.b}', 'is an array'],
    ['{value}', 'the value is an object'],
    ['{header.x}', 'the header x is missing'],
  ])('%s has nothing to give, and says so', (template, message) => {
    const error = { code: 'KF_RECORD_UNREADABLE', message: expect.stringContaining(message) as string };
    expect(() => keyOf(template)).toThrow(expect.objectContaining(error) as Error);
  });

  test('of a record without a key or value gives none', () => {
    expect(() => keyOf('{key}', { key: null })).toThrow('the record has no key');
    expect(() => keyOf('{value.id}', { value: null })).toThrow('the value is null');
    expect(String(keyOf('{key}', { value: null }))).toBe('k');
    expect(String(keyOf('a{key}', { key: '' }))).toBe('a');
  });

  test.each([
    ['{', 'lone "{"'],
    ['a}', 'lone "}"'],
    ['{key', 'lone "{"'],
    ['{keys}', 'unknown placeholder {keys}'],
    ['{}', 'unknown placeholder {}'],
    ['{value.}', 'empty name'],
    ['{value.a..b}', 'empty name'],
  ])('%s is none', (template, message) => {
    const error = { code: 'KF_CONFIG_INVALID', message: expect.stringContaining(message) as string };
    expect(() => parseKeyTemplate(template)).toThrow(expect.objectContaining(error) as Error);
  });
});

describe('options of a plain sink', () => {
  const options = (change: Partial<PlainOptions>): PlainOptions => ({
    format: 'json',
    key: '{key}',
    as: 'string',
    ...change,
  });

  test.each([
    [{ format: 'string', as: 'hash' }, 'as is hash, which needs format: json'],
    [{ format: 'string', as: 'json' }, 'needs format: json'],
    [{ format: 'string', key: '{value.id}' }, 'key names parts of the value: that needs format: json'],
    [{ as: 'hash', maxLength: 3 }, 'maxLength is for as: list or stream only'],
  ] as const)('%o do not fit each other', (change, message) => {
    expect(() => checkPlainOptions(options(change))).toThrow(message);
  });

  test('fit where the value is taken as far apart as it has parts', () => {
    for (const as of ['string', 'list', 'stream'] as const) checkPlainOptions(options({ format: 'string', as }));
    checkPlainOptions(options({ format: 'string', key: '{value}' }));
    checkPlainOptions(options({ as: 'stream', maxLength: 3 }));
  });
});
