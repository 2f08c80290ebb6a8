import { Writer, type Reader } from '@platformatic/kafka';

import type { WireRequest } from './cluster.ts';
import type { AbortedTransaction, FetchedBatches } from './record-batch-reader.ts';

/** The last version but one before tagged fields that names topics; every broker from Kafka 2.3 on speaks it. */
const FETCH = { apiKey: 1, apiVersion: 11 } as const;
const CONSUMER = -1;
const ANY = -1;
const READ_COMMITTED = 1;
const MIN_BYTES = 1;

export interface FetchPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

export interface FetchLimits {
  /** How long the broker may wait for the first record, milliseconds. */
  readonly maxWaitMs: number;
  /** Of the whole answer; a first batch larger than that comes all the same. */
  readonly maxBytes: number;
  readonly maxPartitionBytes: number;
}

export interface FetchedPartition extends FetchedBatches {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** Up to here the partition can be read: what stands behind belongs to open transactions or lacks replicas. */
  readonly stableOffset: bigint;
}

export interface FetchAnswer {
  readonly throttled: boolean;
  readonly partitions: readonly FetchedPartition[];
}

export const fetchRequest = (positions: readonly FetchPosition[], limits: FetchLimits): WireRequest<FetchAnswer> => ({
  ...FETCH,
  write: () =>
    Writer.create()
      .appendInt32(CONSUMER)
      .appendInt32(limits.maxWaitMs)
      .appendInt32(MIN_BYTES)
      .appendInt32(limits.maxBytes)
      .appendInt8(READ_COMMITTED)
      .appendInt32(0) // no fetch session
      .appendInt32(-1)
      .appendArray(
        [...Map.groupBy(positions, ({ topic }) => topic)],
        (writer, [topic, ofTopic]) => {
          writer.appendString(topic, false).appendArray(
            ofTopic,
            (_, { partition, offset }) => {
              writer.appendInt32(partition).appendInt32(ANY).appendInt64(offset).appendInt64(-1n);
              writer.appendInt32(limits.maxPartitionBytes);
            },
            false,
            false,
          );
        },
        false,
        false,
      )
      .appendArray([], () => undefined, false, false)
      .appendString('', false), // no rack
  read: (reader) => {
    const throttled = reader.readInt32() > 0;
    reader.skip(6); // error code and id of the session
    const topics = reader.readArray(
      () => {
        const topic = reader.readString(false);
        return reader.readArray(() => readPartition(reader, topic), false, false);
      },
      false,
      false,
    );
    return { throttled, partitions: topics.flat() };
  },
});

const readPartition = (reader: Reader, topic: string): FetchedPartition => {
  const partition = reader.readInt32();
  const errorCode = reader.readInt16();
  reader.skip(8); // high watermark
  const stableOffset = reader.readInt64();
  reader.skip(8); // log start offset
  const aborted = reader.readNullableArray(readAborted, false, false) ?? [];
  reader.skip(4); // preferred read replica
  const bytes = reader.readBytes(false);
  return { topic, partition, errorCode, stableOffset, aborted, bytes };
};

const readAborted = (reader: Reader): AbortedTransaction => ({
  producerId: reader.readInt64(),
  firstOffset: reader.readInt64(),
});
