import { partitionOf } from './murmur2.ts';
import type { OutgoingRecord } from './port.ts';

/** The records of one send for one partition, in the order of the send; the first `done` of them stand in the log. */
export interface Lane {
  readonly topic: string;
  readonly partition: number;
  readonly records: OutgoingRecord[];
  done: number;
  /** Of the first batch that was acknowledged. */
  baseOffset: bigint | undefined;
}

/**
 * Sorts records to their partitions.
 * @param counts partitions of each topic
 * @param keylessTurn records without a key go to one partition a send; this says which one's turn it is
 */
export const toLanes = (
  records: readonly OutgoingRecord[],
  counts: ReadonlyMap<string, number>,
  keylessTurn: number,
): readonly Lane[] => {
  const byTopic = new Map([...counts.keys()].map((topic) => [topic, new Map<number, Lane>()]));
  for (const record of records) {
    const { topic, key } = record;
    const count = counts.get(topic) ?? 1;
    const partition = record.partition ?? (key === null ? keylessTurn % count : partitionOf(key, count));
    const lanes = byTopic.get(topic);
    const lane = lanes?.get(partition);
    if (lane === undefined)
      lanes?.set(partition, { topic, partition, records: [record], done: 0, baseOffset: undefined });
    else lane.records.push(record);
  }
  return [...byTopic.values()].flatMap((lanes) => [...lanes.values()]);
};
