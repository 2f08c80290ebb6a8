import { createRecordsBatch, readRecordsBatch, Reader } from '@platformatic/kafka';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBatches, offsetBehind } from '../../../../src/clients/kafka/platformatic/record-batch-reader.ts';
import { encodeRecordBatch } from '../../../../src/clients/kafka/platformatic/record-batch-writer.ts';
import { fittingRecords } from '../../../../src/clients/kafka/record-size.ts';
import type { OutgoingRecord } from '../../../../src/clients/kafka/port.ts';

const OWNER = { producerId: 7n, producerEpoch: 3, firstSequence: 11 };
const NOW = 1_750_000_000_000;

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const nullable = fc.option(bytes, { nil: null });
const headers = fc
  .uniqueArray(fc.tuple(fc.string({ maxLength: 80 }), bytes), { maxLength: 8, selector: ([name]) => name })
  .map((entries) => new Map(entries));
const records = fc.array(fc.record({ topic: fc.constant('t'), key: nullable, value: nullable, headers }), {
  minLength: 1,
  maxLength: 100,
});

/** As it stands in the log: with its offset. */
const atOffset = (batch: Buffer, offset: bigint): Buffer => {
  const stored = Buffer.from(batch);
  stored.writeBigInt64BE(offset);
  return stored;
};

const plain = ({ key, value, headers: named }: Pick<OutgoingRecord, 'key' | 'value' | 'headers'>) => ({
  key,
  value,
  headers: [...named],
});

describe('record batches', () => {
  it('come back as they were written, whatever bytes they hold', () => {
    fc.assert(
      fc.property(records, fc.bigInt({ min: 0n, max: 2n ** 52n }), (sent, offset) => {
        const batch = atOffset(encodeRecordBatch(sent, OWNER, NOW), offset);
        const read = decodeBatches({ bytes: batch, aborted: [] }, 0n);
        expect(read.map(plain)).toEqual(sent.map(plain));
        expect(read.map((each) => each.offset)).toEqual(sent.map((_, at) => offset + BigInt(at)));
        expect(read.every(({ timestamp }) => timestamp === NOW)).toBe(true);
        expect(offsetBehind(batch)).toBe(offset + BigInt(sent.length));
      }),
    );
  });

  it('share the headers of neighbours that have the same, and only of those', () => {
    const withHeader = (value: string): OutgoingRecord => ({
      topic: 't',
      key: null,
      value: null,
      headers: new Map([['op', Buffer.from(value)]]),
    });
    const sent = ['set', 'set', 'del', 'set'].map(withHeader);
    const read = decodeBatches({ bytes: encodeRecordBatch(sent, OWNER, NOW), aborted: [] }, 0n);
    expect(read.map(({ headers: named }) => String(named.get('op')))).toEqual(['set', 'set', 'del', 'set']);
    expect(read[1]?.headers).toBe(read[0]?.headers);
  });

  it("are the library's own, byte for byte", () => {
    fc.assert(
      fc.property(records, (sent) => {
        const theirs = createRecordsBatch(
          sent.map(({ topic, key, value, headers: named }) => ({
            topic,
            key,
            value,
            headers: new Map([...named].map(([name, value]) => [Buffer.from(name), value])),
            partition: 0,
            timestamp: BigInt(NOW),
          })) as never,
          { ...OWNER, sequences: { getWithDefault: () => OWNER.firstSequence } as never, partitionLeaderEpoch: -1 },
        );
        expect(encodeRecordBatch(sent, OWNER, NOW).equals(theirs.buffer)).toBe(true);
      }),
    );
  });

  it('carry a checksum and the producer that a broker knows them by', () => {
    const batch = encodeRecordBatch([{ topic: 't', key: null, value: null, headers: new Map() }], OWNER, NOW);
    expect(readRecordsBatch(Reader.from(batch))).toMatchObject({ magic: 2, ...OWNER, firstTimestamp: BigInt(NOW) });
  });

  it('tell the time of each record, or the time of appending where the topic says so', () => {
    const times = [NOW + 5, NOW, NOW + 2_000_000_000, NOW - 100];
    const messages = times.map((time) => ({
      topic: 't',
      partition: 0,
      timestamp: BigInt(time),
      key: null,
      value: null,
    }));
    const batch = createRecordsBatch(messages as never, { partitionLeaderEpoch: 0 }).buffer;
    expect(decodeBatches({ bytes: batch, aborted: [] }, 0n).map(({ timestamp }) => timestamp)).toEqual(times);
    const stamped = Buffer.from(batch);
    stamped.writeInt16BE(0b1000, 21);
    stamped.writeBigInt64BE(BigInt(NOW + 9), 35);
    const read = decodeBatches({ bytes: stamped, aborted: [] }, 0n);
    expect(read.map(({ timestamp, offset }) => [timestamp, offset])).toEqual(
      [0n, 1n, 2n, 3n].map((at) => [NOW + 9, at]),
    );
  });

  it('are read from the wanted offset on, and as far as they are whole', () => {
    const sent = ['a', 'b', 'c'].map((key) => ({ topic: 't', key: Buffer.from(key), value: null, headers: new Map() }));
    const first = atOffset(encodeRecordBatch(sent, OWNER, NOW), 10n);
    const second = atOffset(encodeRecordBatch(sent, OWNER, NOW), 13n);
    const cut = Buffer.concat([first, second.subarray(0, -1)]);
    expect(decodeBatches({ bytes: cut, aborted: [] }, 11n).map(({ key }) => String(key))).toEqual(['b', 'c']);
    expect(offsetBehind(cut)).toBe(13n);
    expect(offsetBehind(first.subarray(0, 20))).toBeUndefined();
  });

  it('are split at a size, never into less than one record', () => {
    fc.assert(
      fc.property(records, fc.integer({ min: 1, max: 5_000 }), (sent, maxBytes) => {
        const count = fittingRecords(sent, 0, maxBytes);
        expect(count).toBeGreaterThanOrEqual(1);
        const size = encodeRecordBatch(sent.slice(0, count), OWNER, NOW).length;
        if (count > 1) expect(size).toBeLessThanOrEqual(maxBytes);
        if (count < sent.length) {
          expect(encodeRecordBatch(sent.slice(0, count + 1), OWNER, NOW).length).toBeGreaterThan(maxBytes);
        }
      }),
    );
  });
});
