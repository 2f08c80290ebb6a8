import { FetchIsolationLevels, listOffsetsV5, ListOffsetTimestamps } from '@platformatic/kafka';

import type { Cluster } from './cluster.ts';

const CONSUMER = -1;
const ANY_EPOCH = -1;

/**
 * The first offset of each partition, or the one behind the last that can be read (open transactions and records
 * without replicas excluded). @throws the library's errors
 */
export const listOffsets = async (
  cluster: Cluster,
  topic: string,
  partitions: readonly number[],
  which: 'EARLIEST' | 'LATEST',
): Promise<Map<number, bigint>> => {
  const metadata = await cluster.partitions(topic);
  const byLeader = Map.groupBy(partitions, (partition) => metadata[partition]?.leader ?? -1);
  const timestamp = ListOffsetTimestamps[which];
  const asked = [...byLeader].map(async ([leader, indexes]) => {
    const request = indexes.map((partitionIndex) => ({ partitionIndex, currentLeaderEpoch: ANY_EPOCH, timestamp }));
    const connection = await cluster.connection(leader);
    return listOffsetsV5.api.async(connection, CONSUMER, FetchIsolationLevels.READ_COMMITTED, [
      { name: topic, partitions: request },
    ]);
  });
  const answers = (await Promise.all(asked)).flatMap(({ topics }) => topics.flatMap((answer) => answer.partitions));
  return new Map(answers.map(({ partitionIndex, offset }) => [partitionIndex, offset]));
};
