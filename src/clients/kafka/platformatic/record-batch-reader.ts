import { compressionsAlgorithmsByBitmask } from '@platformatic/kafka';

import { KeyferryError } from '../../../core/errors.ts';
import type { IncomingRecord, RecordHeaders } from '../port.ts';

/** A transaction that was aborted: its records stand in the log up to its marker, and are not to be delivered. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

/** What a broker sent of one partition: record batches one after another, the last one perhaps cut off. */
export interface FetchedBatches {
  readonly bytes: Buffer;
  readonly aborted: readonly AbortedTransaction[];
}

const LENGTH_AT = 8;
/** Offset and length stand before what the length counts. */
const PREFIX = 12;
const FORMAT_AT = 16;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const BASE_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const COUNT_AT = 57;
const RECORDS_AT = 61;

const COMPRESSION = 0b111;
const LOG_APPEND_TIME = 0b1000;
const TRANSACTIONAL = 0b10000;
const CONTROL = 0b100000;

/** The offset behind the last whole batch, read from the batch headers alone. */
export const offsetBehind = (bytes: Buffer): bigint | undefined => {
  let last: number | undefined;
  for (let at = 0; at + RECORDS_AT <= bytes.length; at = endOfBatch(bytes, at)) {
    if (endOfBatch(bytes, at) <= bytes.length) last = at;
  }
  return last === undefined
    ? undefined
    : bytes.readBigInt64BE(last) + BigInt(bytes.readInt32BE(last + LAST_OFFSET_DELTA_AT)) + 1n;
};

const endOfBatch = (bytes: Buffer, at: number): number => at + PREFIX + bytes.readInt32BE(at + LENGTH_AT);

/** Records from `from` on; markers and records of aborted transactions are left out. Buffers point into `bytes`. */
export const decodeBatches = ({ bytes, aborted }: FetchedBatches, from: bigint): readonly IncomingRecord[] => {
  const records: IncomingRecord[] = [];
  const isAborted = abortedFilter(aborted);
  for (let at = 0; at + RECORDS_AT <= bytes.length; at = endOfBatch(bytes, at)) {
    if (endOfBatch(bytes, at) > bytes.length) break;
    if (bytes.readInt8(at + FORMAT_AT) !== 2) {
      throw new KeyferryError('KF_KAFKA_REFUSED', 'a record batch has a message format older than Kafka 0.11');
    }
    const attributes = bytes.readInt16BE(at + ATTRIBUTES_AT);
    if (!isAborted(bytes, at, attributes) && (attributes & CONTROL) === 0)
      decodeBatch(bytes, at, attributes, from, records);
  }
  return records;
};

/** Called for every batch in order, as markers end what the list of aborted transactions began. */
const abortedFilter = (aborted: readonly AbortedTransaction[]) => {
  const open = new Set<bigint>();
  const coming = aborted.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  return (bytes: Buffer, at: number, attributes: number): boolean => {
    if (aborted.length === 0 || (attributes & TRANSACTIONAL) === 0) return false;
    const lastOffset = bytes.readBigInt64BE(at) + BigInt(bytes.readInt32BE(at + LAST_OFFSET_DELTA_AT));
    while (coming[0] !== undefined && coming[0].firstOffset <= lastOffset)
      open.add((coming.shift() as AbortedTransaction).producerId);
    const producerId = bytes.readBigInt64BE(at + PRODUCER_ID_AT);
    if ((attributes & CONTROL) === 0) return open.has(producerId);
    open.delete(producerId);
    return true;
  };
};

const decodeBatch = (bytes: Buffer, at: number, attributes: number, from: bigint, into: IncomingRecord[]): void => {
  const baseOffset = Number(bytes.readBigInt64BE(at));
  const baseTimestamp = Number(bytes.readBigInt64BE(at + BASE_TIMESTAMP_AT));
  const appendTime =
    (attributes & LOG_APPEND_TIME) === 0 ? undefined : Number(bytes.readBigInt64BE(at + MAX_TIMESTAMP_AT));
  const count = bytes.readInt32BE(at + COUNT_AT);
  const cursor = new RecordCursor(recordsOf(bytes, at, attributes));
  for (let index = 0; index < count; index += 1) {
    const record = cursor.next(baseOffset, baseTimestamp, appendTime);
    if (record.offset >= from) into.push(record);
  }
};

const recordsOf = (bytes: Buffer, at: number, attributes: number): Buffer => {
  const records = bytes.subarray(at + RECORDS_AT, endOfBatch(bytes, at));
  const compression = attributes & COMPRESSION;
  if (compression === 0) return records;
  const algorithm = (
    compressionsAlgorithmsByBitmask as Record<number, { decompressSync(data: Buffer): Buffer } | undefined>
  )[compression];
  if (algorithm === undefined) throw new KeyferryError('KF_KAFKA_REFUSED', `unknown compression ${compression}`);
  return algorithm.decompressSync(records);
};

interface HeaderName {
  readonly bytes: Buffer;
  readonly text: string;
}

class RecordCursor {
  readonly #bytes: Buffer;
  #at = 0;
  /**
   * Of the record before. Headers often repeat from record to record, and then share one Map: at full speed they would
   * else be most of the garbage, and survive until their batch is handled. Names repeat even where values do not.
   */
  #headers: { readonly at: number; readonly length: number; readonly map: RecordHeaders } | undefined;
  readonly #names: HeaderName[] = [];

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  next(baseOffset: number, baseTimestamp: number, appendTime: number | undefined): IncomingRecord {
    const length = this.#varint();
    const end = this.#at + length;
    this.#at += 1; // attributes: unused
    // There whether it counts or not.
    const timestampDelta = this.#varint();
    const timestamp = appendTime ?? baseTimestamp + timestampDelta;
    const offset = BigInt(baseOffset + this.#varint());
    const key = this.#nullable();
    const value = this.#nullable();
    const headers = this.#headersTo(end);
    this.#at = end;
    return { key, value, headers, offset, timestamp };
  }

  #headersTo(end: number): RecordHeaders {
    const at = this.#at;
    const length = end - at;
    const last = this.#headers;
    if (last?.length === length && sameBytes(this.#bytes, at, this.#bytes, last.at, length)) return last.map;
    const map = new Map<string, Buffer>();
    const count = this.#varint();
    for (let index = 0; index < count; index += 1) {
      const name = this.#name(index);
      // A null value is rare and means no more than an empty one.
      map.set(name, this.#nullable() ?? EMPTY);
    }
    this.#headers = { at, length, map };
    return map;
  }

  #name(index: number): string {
    const length = this.#varint();
    const at = this.#at;
    this.#at += length;
    const known = this.#names[index];
    if (known?.bytes.length === length && sameBytes(this.#bytes, at, known.bytes, 0, length)) return known.text;
    const bytes = this.#bytes.subarray(at, at + length);
    const text = bytes.toString();
    this.#names[index] = { bytes, text };
    return text;
  }

  #nullable(): Buffer | null {
    const length = this.#varint();
    if (length < 0) return null;
    const at = this.#at;
    this.#at += length;
    return this.#bytes.subarray(at, this.#at);
  }

  /** Zigzag; beyond 32 bits by arithmetic, as timestamp deltas may be. */
  #varint(): number {
    let byte = this.#bytes[this.#at++] ?? 0;
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let value = byte & 0x7f;
    let scale = 128;
    do {
      byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) * scale;
      scale *= 128;
    } while (byte >= 0x80);
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}

const EMPTY = Buffer.alloc(0);

const sameBytes = (a: Buffer, aAt: number, b: Buffer, bAt: number, length: number): boolean => {
  for (let index = 0; index < length; index += 1) if (a[aAt + index] !== b[bAt + index]) return false;
  return true;
};
