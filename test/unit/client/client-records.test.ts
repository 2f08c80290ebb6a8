import { describe, expect, test } from 'vitest';
import { readRecord } from '../../../src/client/consumed-record.ts';
import { encodeStreamRecord } from '../../../src/codecs/stream-record.ts';
import type { KeyValue } from '../../../src/core/key-state.ts';
import { recordFixtures } from '../codecs/record-fixture.ts';

const position = { topic: 'redis.0', partition: 3, offset: 42n };

const fixture = (name: string) => {
  const found = recordFixtures.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no fixture ${name}`);
  const { key, value = null, headers } = found;
  return readRecord({ key, value, headers, offset: 42n, timestamp: 0 }, position);
};

const incoming = (value: Buffer | null, headers: Readonly<Record<string, string>>, key: Buffer | null = null) => ({
  key,
  value,
  headers: new Map(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
  offset: 42n,
  timestamp: 0,
});

/** The order of a hash's fields means nothing. */
const inOrder = (value: KeyValue | undefined): unknown => {
  if (value?.type !== 'hash') return value;
  const { entries, fieldExpireAt = [] } = value;
  const fields = entries.flatMap((field, at) =>
    at % 2 === 0 ? [[field.toString('latin1'), entries[at + 1], fieldExpireAt[at / 2]] as const] : [],
  );
  return fields.toSorted(([one], [other]) => (one < other ? -1 : 1));
};

describe('a record of a key, as a consumer gets it', () => {
  test.each(recordFixtures.map(({ name }) => name))('is read from the golden fixture %s, with every byte', (name) => {
    const found = recordFixtures.find((each) => each.name === name);
    const record = fixture(name);
    if (record.kind !== 'key') throw new Error('another kind');
    expect(record.key).toEqual(found?.key);
    expect(record.position).toEqual(position);
    expect(record.op === 'set').toBe(record.state !== undefined);
    expect(inOrder(record.raw)).toEqual(inOrder(found?.state?.value));
    expect(record.expireAt).toBe(found?.state?.expireAt);
  });

  test('has its value as text, by its type', () => {
    expect(fixture('string')).toMatchObject({ kind: 'key', op: 'set', state: { type: 'string' } });
    const zset = fixture('zset');
    expect(zset).toMatchObject({ state: { type: 'zset' } });
    if (zset.kind !== 'key' || zset.state?.type !== 'zset') throw new Error('no zset');
    for (const { score } of zset.state.value) expect(score).not.toBeNaN();
    expect(fixture('hash-expiring-fields')).toMatchObject({ state: { type: 'hash', fieldExpireAt: {} } });
    expect(fixture('tombstone-evicted')).toMatchObject({ op: 'evicted', state: undefined, raw: undefined });
    expect(fixture('dump-string')).toMatchObject({ state: { type: 'dump', redisType: 'string' } });
    expect(fixture('omitted')).toMatchObject({ state: { type: 'omitted' } });
  });

  test('is refused where headers, key and value do not fit each other', () => {
    const headers = { 'kf-op': 'set', 'kf-type': 'string', 'kf-db': '0', 'kf-ts': '1', 'kf-origin': 'o', 'kf-v': '1' };
    expect(() => readRecord(incoming(null, headers, Buffer.from('k')), position)).toThrow('it says set');
    expect(() => readRecord(incoming(Buffer.from('{}'), headers), position)).toThrow('it has no key');
    expect(() => readRecord(incoming(Buffer.from('x'), {}), position)).toThrow('no header of a Keyferry source');
  });
});

describe('a record of a stream entry', () => {
  test('has its fields, the first value of one that repeats, and every byte in raw', () => {
    const fields = ['a', '1', 'b', '2', 'a', '3'].map((text) => Buffer.from(text));
    const entry = { stream: Buffer.from('orders'), id: '1-2', fields, ts: 5, origin: 'here' };
    const { value, headers } = encodeStreamRecord(entry);
    const record = readRecord({ key: null, value, headers, offset: 42n, timestamp: 0 }, position);
    expect(record).toMatchObject({ kind: 'entry', streamText: 'orders', id: '1-2', fields: { a: '1', b: '2' } });
    expect(record).toMatchObject({ seenAt: 5, origin: 'here', position });
  });
});

describe('a record of a list item', () => {
  test('is the item, byte for byte', () => {
    const headers = { 'kf-list': 'jobs', 'kf-ts': '7', 'kf-origin': 'here', 'kf-v': '1' };
    const record = readRecord(incoming(Buffer.from([0xff]), headers), position);
    expect(record).toMatchObject({ kind: 'item', listText: 'jobs', value: Buffer.from([0xff]), seenAt: 7 });
  });
});
