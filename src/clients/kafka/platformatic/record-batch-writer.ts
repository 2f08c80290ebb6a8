import { crc32c } from '@platformatic/kafka';

import type { OutgoingRecord } from '../port.ts';

/** Who writes a batch: what the broker tells a repeated batch by. */
export interface BatchOwner {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly firstSequence: number;
}

/** Bytes before the first record of a batch of format 2, the length field's own and the offset included. */
export const BATCH_OVERHEAD = 61;
const CRC_AT = 17;
const CHECKED_FROM = 21;

/** Below this, copying byte by byte beats the call into native code. */
const SHORT = 24;

/** Signed numbers travel zigzag: small ones of either sign are short. All our numbers are -1 or above. */
const varintSize = (value: number): number => {
  const zigzag = value < 0 ? 1 : value * 2;
  if (zigzag < 0x80) return 1;
  if (zigzag < 0x4000) return 2;
  if (zigzag < 0x200000) return 3;
  return zigzag < 0x10000000 ? 4 : 5;
};

const writeVarint = (target: Buffer, value: number, at: number): number => {
  let zigzag = value < 0 ? 1 : value * 2;
  while (zigzag > 0x7f) {
    target[at++] = (zigzag & 0x7f) | 0x80;
    zigzag = Math.floor(zigzag / 128);
  }
  target[at++] = zigzag;
  return at;
};

const writeBytes = (target: Buffer, source: Buffer, at: number): number => {
  const length = source.length;
  if (length > SHORT) target.set(source, at);
  else for (let index = 0; index < length; index += 1) target[at + index] = source[index] as number;
  return at + length;
};

/** Header names are few and repeat in every record: their bytes, length first, are made once. */
const HEADER_NAMES_KEPT = 1_000;
const headerNames = new Map<string, Buffer>();

const encodeHeaderName = (name: string): Buffer => {
  const text = Buffer.from(name);
  const encoded = Buffer.allocUnsafe(varintSize(text.length) + text.length);
  text.copy(encoded, writeVarint(encoded, text.length, 0));
  if (headerNames.size < HEADER_NAMES_KEPT) headerNames.set(name, encoded);
  return encoded;
};

const headerName = (name: string): Buffer => headerNames.get(name) ?? encodeHeaderName(name);

const nullableSize = (bytes: Buffer | null): number => (bytes === null ? 1 : varintSize(bytes.length) + bytes.length);

const writeNullable = (target: Buffer, bytes: Buffer | null, at: number): number =>
  bytes === null ? writeVarint(target, -1, at) : writeBytes(target, bytes, writeVarint(target, bytes.length, at));

/** Of a record's body, that is without its length field. */
const bodySize = ({ key, value, headers }: OutgoingRecord, offsetDelta: number): number => {
  // Attributes and the timestamp delta are one zero byte each.
  let size = 2 + varintSize(offsetDelta) + nullableSize(key) + nullableSize(value) + varintSize(headers.size);
  for (const [name, bytes] of headers) size += headerName(name).length + varintSize(bytes.length) + bytes.length;
  return size;
};

const writeBody = (target: Buffer, { key, value, headers }: OutgoingRecord, offsetDelta: number, at: number): number => {
  target[at++] = 0;
  target[at++] = 0;
  at = writeVarint(target, offsetDelta, at);
  at = writeNullable(target, key, at);
  at = writeNullable(target, value, at);
  at = writeVarint(target, headers.size, at);
  for (const [name, bytes] of headers) {
    at = writeBytes(target, headerName(name), at);
    at = writeBytes(target, bytes, writeVarint(target, bytes.length, at));
  }
  return at;
};

/** How many records from `start` on fit in a batch of `maxBytes`: at least one, whatever its size. */
export const fittingRecords = (records: readonly OutgoingRecord[], start: number, maxBytes: number): number => {
  let bytes = BATCH_OVERHEAD;
  let count = 0;
  for (let index = start; index < records.length; index += 1) {
    const size = bodySize(records[index] as OutgoingRecord, count);
    bytes += varintSize(size) + size;
    if (bytes > maxBytes && count > 0) break;
    count += 1;
  }
  return count;
};

/** A record batch of format 2, uncompressed, every record with the same timestamp (Unix ms). */
export const encodeRecordBatch = (
  records: readonly OutgoingRecord[],
  { producerId, producerEpoch, firstSequence }: BatchOwner,
  timestamp: number,
): Buffer => {
  const sizes = records.map(bodySize);
  const length = sizes.reduce((total, size) => total + varintSize(size) + size, BATCH_OVERHEAD);
  const batch = Buffer.allocUnsafe(length);
  const time = BigInt(timestamp);
  batch.writeBigInt64BE(0n, 0); // base offset: the broker's to give
  batch.writeInt32BE(length - 12, 8);
  batch.writeInt32BE(-1, 12); // leader epoch: the broker's too
  batch.writeInt8(2, 16); // format
  batch.writeInt16BE(0, CHECKED_FROM); // attributes: no compression, no transaction
  batch.writeInt32BE(records.length - 1, 23);
  batch.writeBigInt64BE(time, 27);
  batch.writeBigInt64BE(time, 35);
  batch.writeBigInt64BE(producerId, 43);
  batch.writeInt16BE(producerEpoch, 51);
  batch.writeInt32BE(firstSequence, 53);
  batch.writeInt32BE(records.length, 57);
  let at = BATCH_OVERHEAD;
  for (const [index, record] of records.entries()) {
    at = writeBody(batch, record, index, writeVarint(batch, sizes[index] as number, at));
  }
  batch.writeUInt32BE(crc32c(batch.subarray(CHECKED_FROM)), CRC_AT);
  return batch;
};
