import type { IHeaders, KafkaMessage } from 'kafkajs';

import type { IncomingRecord, RecordHeaders } from '../port.ts';

export const toIncoming = ({ key, value, headers, offset, timestamp }: KafkaMessage): IncomingRecord => ({
  key,
  value,
  headers: toHeaders(headers),
  offset: BigInt(offset),
  timestamp: Number(timestamp),
});

const toHeaders = (headers: IHeaders | undefined): RecordHeaders => {
  const entries = new Map<string, Buffer>();
  for (const [name, value] of Object.entries(headers ?? {})) {
    // A name that appears several times comes as an array: the last one counts, as in a Map.
    const last = Array.isArray(value) ? value.at(-1) : value;
    entries.set(name, Buffer.isBuffer(last) ? last : Buffer.from(last ?? ''));
  }
  return entries;
};
