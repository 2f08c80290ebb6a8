import { type PlainFormat, PlainRecord } from '../../../../src/kafka-to-redis/plain/plain-record.ts';

interface Parts {
  readonly key?: string | Buffer | null;
  readonly value?: string | Buffer | null;
  readonly headers?: Readonly<Record<string, string | Buffer>>;
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: bigint;
  readonly format?: PlainFormat;
}

const bytes = (text: string | Buffer | null): Buffer | null => (text === null ? null : Buffer.from(text));

/** A record as Kafka brings it, of which a test names what it looks at. */
export const plainRecord = (parts: Parts): PlainRecord => {
  const { key = 'key', value = 'null', headers = {}, topic = 'topic', partition = 0, offset = 0n } = parts;
  const named = new Map(Object.entries(headers).map(([name, header]) => [name, Buffer.from(header)]));
  const record = { key: bytes(key), value: bytes(value), headers: named, offset, timestamp: 0 };
  return new PlainRecord(record, { topic, partition }, parts.format ?? 'json');
};
