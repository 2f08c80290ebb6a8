import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeStreamRecord, encodeStreamRecord } from '../../src/codecs/stream-record.ts';
import { parseRecordKey } from '../../src/redis-to-kafka/streams/record-key.ts';

const binary = fc.uint8Array({ maxLength: 10 }).map((bytes) => Buffer.from(bytes));
const text = fc.string({ unit: 'binary', maxLength: 6 }).map((each) => Buffer.from(each));
const awkward = fc.constantFrom('', '9', '__proto__', 'encoding', '"\\', '\u2028').map((each) => Buffer.from(each));
const bytes = fc.oneof({ weight: 4, arbitrary: text }, { weight: 2, arbitrary: awkward }, binary);
const entry = fc.record({
  stream: bytes,
  id: fc.tuple(fc.maxSafeNat(), fc.maxSafeNat()).map(([ms, sequence]) => `${ms}-${sequence}`),
  fields: fc.array(fc.tuple(bytes, bytes), { minLength: 1, maxLength: 8 }).map((pairs) => pairs.flat()),
  ts: fc.integer({ min: 0, max: 9e14 }),
  origin: fc.uuid(),
});

/** Which values each field has, in their order; fields in any order. */
const valuesOf = (fields: readonly Buffer[]): ReadonlyMap<string, readonly string[]> => {
  const values = new Map<string, string[]>();
  for (let at = 0; at < fields.length; at += 2) {
    const name = String(fields[at]?.toString('latin1'));
    values.set(name, [...(values.get(name) ?? []), String(fields[at + 1]?.toString('latin1'))]);
  }
  return values;
};

describe('stream records', () => {
  it('tell every field and value of any entry', () => {
    fc.assert(
      fc.property(entry, (given) => {
        const { value, headers } = encodeStreamRecord(given);
        const read = decodeStreamRecord(value, headers);
        expect(valuesOf(read.fields)).toEqual(valuesOf(given.fields));
        expect({ ...read, fields: [] }).toEqual({ ...given, fields: [] });
        expect(JSON.parse(value.toString())).toBeTypeOf('object');
      }),
    );
  });
});

describe('record key templates', () => {
  const field = fc.string({ minLength: 1, maxLength: 6 }).filter((name) => !/[{}]/.test(name));
  const literal = fc.string({ maxLength: 6 }).filter((each) => !/[{}]/.test(each));

  it('give the very bytes of what they name, between the literal text', () => {
    fc.assert(
      fc.property(entry, field, bytes, literal, literal, (given, name, value, before, after) => {
        const fields = [Buffer.from(name), value, ...given.fields];
        const key = parseRecordKey(`${before}{key}{field:${name}}{id}${after}`)({ ...given, fields });
        const parts = [Buffer.from(before), given.stream, value, Buffer.from(given.id), Buffer.from(after)];
        expect(key.equals(Buffer.concat(parts))).toBe(true);
      }),
    );
  });
});
