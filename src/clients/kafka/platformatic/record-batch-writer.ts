import { crc32c } from '@platformatic/kafka';

import type { OutgoingRecord } from '../port.ts';
import { BATCH_OVERHEAD, headerBytes, recordBodySize, varintSize, writeVarint } from '../record-size.ts';

/** Who writes a batch: what the broker tells a repeated batch by. */
export interface BatchOwner {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly firstSequence: number;
}

const CRC_AT = 17;
const CHECKED_FROM = 21;

/** Below this, copying byte by byte beats the call into native code. */
const SHORT = 24;

const writeBytes = (target: Buffer, source: Buffer, at: number): number => {
  const length = source.length;
  if (length > SHORT) target.set(source, at);
  else for (let index = 0; index < length; index += 1) target[at + index] = source[index] as number;
  return at + length;
};

const writeNullable = (target: Buffer, bytes: Buffer | null, at: number): number =>
  bytes === null ? writeVarint(target, -1, at) : writeBytes(target, bytes, writeVarint(target, bytes.length, at));

const writeBody = (
  target: Buffer,
  { key, value, headers }: OutgoingRecord,
  offsetDelta: number,
  at: number,
): number => {
  target[at++] = 0;
  target[at++] = 0;
  at = writeVarint(target, offsetDelta, at);
  at = writeNullable(target, key, at);
  at = writeNullable(target, value, at);
  return writeBytes(target, headerBytes(headers), at);
};

/** A record batch of format 2, uncompressed, every record with the same timestamp (Unix ms). */
export const encodeRecordBatch = (
  records: readonly OutgoingRecord[],
  { producerId, producerEpoch, firstSequence }: BatchOwner,
  timestamp: number,
): Buffer => {
  const sizes = records.map(recordBodySize);
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
