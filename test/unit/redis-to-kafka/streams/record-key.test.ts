import { describe, expect, it } from 'vitest';
import { parseRecordKey } from '../../../../src/redis-to-kafka/streams/record-key.ts';

const entry = {
  stream: Buffer.from('orders:eu'),
  id: '1795239060027-3',
  fields: ['customer', 'a', 'customer', 'b', 'empty', '', 'x{y', '1'].map((text) => Buffer.from(text)),
};
const keyOf = (template: string): string => parseRecordKey(template)(entry).toString();

describe('record key templates', () => {
  it.each([
    ['{key}', 'orders:eu'],
    ['{id}', '1795239060027-3'],
    ['{field:customer}', 'a'],
    ['{field:empty}', ''],
    ['{key}/{field:customer}', 'orders:eu/a'],
    ['all', 'all'],
    ['a}b{', 'a}b{'],
  ])('%s gives %s', (template, key) => {
    expect(keyOf(template)).toBe(key);
  });

  it('keep bytes that are no text', () => {
    const value = Buffer.from([0xff, 0x00]);
    const fields = [Buffer.from('raw'), value];
    expect(parseRecordKey('{field:raw}')({ ...entry, fields })).toEqual(value);
    expect(parseRecordKey('é{field:raw}')({ ...entry, fields })).toEqual(Buffer.from([0xc3, 0xa9, 0xff, 0x00]));
  });

  it('name the field that an entry lacks; a value of that name does not count', () => {
    const fields = ['a', 'customer'].map((text) => Buffer.from(text));
    const missing = expect.objectContaining({
      code: 'KF_RECORD_KEY_MISSING',
      message: 'the entry has no field "customer"',
    }) as Error;
    expect(() => parseRecordKey('{field:customer}')({ ...entry, fields })).toThrow(missing);
  });

  it.each(['{field}', '{field:}', '{type}', '{}'])('%s is refused', (template) => {
    expect(() => parseRecordKey(template)).toThrow(`unknown placeholder ${template}`);
  });
});
