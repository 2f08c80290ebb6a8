import { Writer, type Reader } from '@platformatic/kafka';

import type { WireRequest } from './cluster.ts';

/** The last version before tagged fields; every broker from Kafka 2.1 on speaks it. */
const PRODUCE = { apiKey: 0, apiVersion: 7 } as const;
const ALL_IN_SYNC_REPLICAS = -1;
/** How long the broker may wait for its replicas. */
const REPLICATION_TIMEOUT_MS = 5_000;

export interface EncodedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
}

export interface ProduceOutcome {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly baseOffset: bigint;
}

/** One batch a partition, as Kafka demands. */
export const produceRequest = (batches: readonly EncodedBatch[]): WireRequest<readonly ProduceOutcome[]> => ({
  ...PRODUCE,
  write: () =>
    Writer.create()
      .appendString(null, false)
      .appendInt16(ALL_IN_SYNC_REPLICAS)
      .appendInt32(REPLICATION_TIMEOUT_MS)
      .appendArray([...Map.groupBy(batches, ({ topic }) => topic)], writeTopic, false, false),
  read: (reader) =>
    reader
      .readArray(
        () => {
          const topic = reader.readString(false);
          return reader.readArray(() => ({ topic, ...readOutcome(reader) }), false, false);
        },
        false,
        false,
      )
      .flat(),
});

const writeTopic = (writer: Writer, [topic, batches]: [string, EncodedBatch[]]): void => {
  writer.appendString(topic, false).appendArray(
    batches,
    (_, { partition, bytes }) => {
      writer.appendInt32(partition).appendInt32(bytes.length).append(bytes);
    },
    false,
    false,
  );
};

const readOutcome = (reader: Reader): Omit<ProduceOutcome, 'topic'> => {
  const outcome = { partition: reader.readInt32(), errorCode: reader.readInt16(), baseOffset: reader.readInt64() };
  reader.skip(16); // append time, log start offset
  return outcome;
};
