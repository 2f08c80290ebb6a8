import type { OutgoingRecord } from './port.ts';

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

/** A header's name as it travels. */
export const headerName = (name: string): Buffer => headerNames.get(name) ?? encodeHeaderName(name);

const nullableSize = (bytes: Buffer | null): number => (bytes === null ? 1 : varintSize(bytes.length) + bytes.length);

/** Of a record's body, that is without its length field. */
export const recordBodySize = ({ key, value, headers }: OutgoingRecord, offsetDelta: number): number => {
  // Attributes and the timestamp delta are one zero byte each.
  let size = 2 + varintSize(offsetDelta) + nullableSize(key) + nullableSize(value) + varintSize(headers.size);
  for (const [name, bytes] of headers) size += headerName(name).length + varintSize(bytes.length) + bytes.length;
  return size;
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
