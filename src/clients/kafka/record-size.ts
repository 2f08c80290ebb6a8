import type { OutgoingRecord, RecordHeaders } from './port.ts';

/** Bytes of a batch of format 2 before its first record. */
export const BATCH_OVERHEAD = 61;

/** Signed numbers travel zigzag: small ones of either sign are short. All our numbers are -1 or above. */
export const varintSize = (value: number): number => {
  const zigzag = value < 0 ? 1 : value * 2;
  if (zigzag < 0x80) return 1;
  if (zigzag < 0x4000) return 2;
  if (zigzag < 0x200000) return 3;
  return zigzag < 0x10000000 ? 4 : 5;
};

export const writeVarint = (target: Buffer, value: number, at: number): number => {
  let zigzag = value < 0 ? 1 : value * 2;
  while (zigzag > 0x7f) {
    target[at++] = (zigzag & 0x7f) | 0x80;
    zigzag = Math.floor(zigzag / 128);
  }
  target[at++] = zigzag;
  return at;
};

/** Records of one moment share their headers (port.ts): the bytes are made once for each map. */
const encodedHeaders = new WeakMap<RecordHeaders, Buffer>();

/** A record's headers as they travel, their number first. */
export const headerBytes = (headers: RecordHeaders): Buffer => {
  const known = encodedHeaders.get(headers);
  if (known !== undefined) return known;
  let size = varintSize(headers.size);
  for (const [name, value] of headers) size += sizedBytes(nameBytes(name)) + sizedBytes(value);
  const encoded = Buffer.allocUnsafe(size);
  let at = writeVarint(encoded, headers.size, 0);
  for (const [name, value] of headers) at = writeSized(encoded, value, writeSized(encoded, nameBytes(name), at));
  encodedHeaders.set(headers, encoded);
  return encoded;
};

/** Names are few and come again with every record; those of foreign records may be any. */
const MAX_NAMES = 1_000;
const names = new Map<string, Buffer>();

const nameBytes = (name: string): Buffer => {
  const known = names.get(name);
  if (known !== undefined) return known;
  const bytes = Buffer.from(name);
  if (names.size < MAX_NAMES) names.set(name, bytes);
  return bytes;
};

const sizedBytes = ({ length }: Buffer): number => varintSize(length) + length;

const writeSized = (target: Buffer, bytes: Buffer, start: number): number => {
  const at = writeVarint(target, bytes.length, start);
  target.set(bytes, at);
  return at + bytes.length;
};

const nullableSize = (bytes: Buffer | null): number => (bytes === null ? 1 : sizedBytes(bytes));

/** Of a record's body, that is without its length field. */
export const recordBodySize = ({ key, value, headers }: OutgoingRecord, offsetDelta: number): number => {
  // Attributes and the timestamp delta are one zero byte each.
  return 2 + varintSize(offsetDelta) + nullableSize(key) + nullableSize(value) + headerBytes(headers).length;
};

/** How many records from `start` on fit in a batch of `maxBytes`: at least one, whatever its size. */
export const fittingRecords = (records: readonly OutgoingRecord[], start: number, maxBytes: number): number => {
  let bytes = BATCH_OVERHEAD;
  let count = 0;
  for (let index = start; index < records.length; index += 1) {
    const size = recordBodySize(records[index] as OutgoingRecord, count);
    bytes += varintSize(size) + size;
    if (bytes > maxBytes && count > 0) break;
    count += 1;
  }
  return count;
};
