import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type StreamRecord, decodeStreamRecord, encodeStreamRecord } from '../../../src/codecs/stream-record.ts';
import { reviveBytes } from './record-fixture.ts';

interface StreamFixture {
  readonly entry: StreamRecord;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

const FOLDER = new URL('../../fixtures/stream-records/', import.meta.url);
const fixtures = readdirSync(FOLDER)
  .sort()
  .map((file) => {
    const fixture = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'), reviveBytes) as StreamFixture;
    return { ...fixture, name: file.replace('.json', '') };
  });

const sample: StreamRecord = {
  stream: Buffer.from('orders'),
  id: '1-1',
  fields: [Buffer.from('a'), Buffer.from('b')],
  ts: 1,
  origin: 'x',
};

describe('stream records of version 1', () => {
  it.each(fixtures)('$name: are written as exactly these bytes and headers, in this order', ({ entry, ...written }) => {
    const { value, headers } = encodeStreamRecord(entry);
    expect(value.toString('latin1')).toBe(written.value.toString('latin1'));
    expect([...headers].map(([name, bytes]) => [name, bytes.toString()])).toEqual(Object.entries(written.headers));
  });

  it.each(fixtures)('$name: are read back', ({ entry, value, headers }) => {
    const bytes = new Map(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]));
    const inOrder = (fields: readonly Buffer[]): string[] => fields.map(String).sort();
    const read = decodeStreamRecord(value, bytes);
    expect({ ...read, fields: inOrder(read.fields) }).toEqual({ ...entry, fields: inOrder(entry.fields) });
  });

  it('keep the bytes of a stream whose name is no text', () => {
    const stream = Buffer.from([0xff, 0x00, 0x3a]);
    const { value, headers } = encodeStreamRecord({ ...sample, stream });
    expect(decodeStreamRecord(value, headers).stream).toEqual(stream);
    expect(value.toString()).toBe('{"a":"b"}');
  });

  it.each([
    ['kf-v', '2', 'header kf-v names version 2'],
    ['kf-ts', 'soon', 'header kf-ts is not a whole number'],
    ['kf-encoding', 'hex', 'encoding is not base64'],
    ['kf-id', undefined, 'header kf-id is missing'],
  ])('are refused where header %s is %s', (name, text, message) => {
    const { value, headers } = encodeStreamRecord(sample);
    if (text === undefined) headers.delete(name);
    else headers.set(name, Buffer.from(text));
    expect(() => decodeStreamRecord(value, headers)).toThrow(message);
  });

  it.each(['[]', '{"a":1}', '{"a":[1]}', '{"a"', 'null'])('are refused where the value is %s', (json) => {
    const { headers } = encodeStreamRecord(sample);
    expect(() => decodeStreamRecord(Buffer.from(json), headers)).toThrow(/JSON/);
  });
});
