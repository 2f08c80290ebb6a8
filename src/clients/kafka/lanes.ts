import { partitionOf } from './murmur2.ts';
import type { Acknowledgement, OutgoingRecord } from './port.ts';

/** The records of one send for one partition, in the order of the send; the first `done` of them stand in the log. */
export interface Lane {
  readonly topic: string;
  readonly partition: number;
  readonly records: OutgoingRecord[];
  done: number;
  /** The batches in which they were acknowledged. Another producer's records may stand between two of them. */
  readonly batches: LaneBatch[];
}

interface LaneBatch {
  /** Index of its first record in the lane. */
  readonly first: number;
  /** -1: the broker did not say it. */
  readonly baseOffset: bigint;
}

/** The broker has taken the next `count` records of the lane. */
export const advance = (lane: Lane, count: number, baseOffset: bigint): void => {
  lane.batches.push({ first: lane.done, baseOffset });
  lane.done += count;
};

/** What the broker said of a lane, all of which stands in the log. */
export class LaneAcknowledgement implements Acknowledgement {
  readonly topic: string;
  readonly partition: number;
  readonly baseOffset: bigint;
  readonly #lane: Lane;

  constructor(lane: Lane) {
    this.topic = lane.topic;
    this.partition = lane.partition;
    this.baseOffset = lane.batches[0]?.baseOffset ?? -1n;
    this.#lane = lane;
  }

  offsetOf(record: OutgoingRecord): bigint | undefined {
    const { records, batches } = this.#lane;
    const at = records.indexOf(record);
    const batch = at === -1 ? undefined : batches.findLast(({ first }) => first <= at);
    return batch === undefined || batch.baseOffset < 0n ? undefined : batch.baseOffset + BigInt(at - batch.first);
  }
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
    if (lane === undefined) lanes?.set(partition, { topic, partition, records: [record], done: 0, batches: [] });
    else lane.records.push(record);
  }
  return [...byTopic.values()].flatMap((lanes) => [...lanes.values()]);
};
