import { Reader, Writer } from '@platformatic/kafka';

/** Partitions of topics: `topic -> indexes`. */
export type Assignment = ReadonlyMap<string, readonly number[]>;

/** Kafka's consumer protocol of version 0, which Java's consumers speak too, and its `range` assignor. */
export const PROTOCOL_NAME = 'range';
export const PROTOCOL_TYPE = 'consumer';
const VERSION = 0;

export const encodeSubscription = (topics: readonly string[]): Buffer =>
  Writer.create()
    .appendInt16(VERSION)
    .appendArray([...topics], (writer, topic) => void writer.appendString(topic, false), false, false)
    .appendBytes(null, false).buffer;

export const decodeSubscription = (bytes: Buffer): readonly string[] => {
  const reader = Reader.from(bytes);
  reader.skip(2);
  return reader.readArray(() => reader.readString(false), false, false);
};

export const encodeAssignment = (assignment: Assignment): Buffer =>
  Writer.create()
    .appendInt16(VERSION)
    .appendArray([...assignment], writeTopic, false, false)
    .appendBytes(null, false).buffer;

const writeTopic = (writer: Writer, [topic, partitions]: [string, readonly number[]]): void => {
  writer.appendString(topic, false);
  writer.appendArray([...partitions], (_, partition) => void writer.appendInt32(partition), false, false);
};

export const decodeAssignment = (bytes: Buffer): Assignment => {
  // A member that gets nothing may get no bytes at all.
  if (bytes.length === 0) return new Map();
  const reader = Reader.from(bytes);
  reader.skip(2);
  const readTopic = (): [string, number[]] => [
    reader.readString(false),
    reader.readArray(() => reader.readInt32(), false, false),
  ];
  return new Map(reader.readArray(readTopic, false, false));
};

/**
 * Each topic's partitions in ranges of nearly equal length, to its subscribers in the order of their ids.
 * @param subscriptions topics by member id
 * @param partitionCounts by topic
 */
export const assignRanges = (
  subscriptions: ReadonlyMap<string, readonly string[]>,
  partitionCounts: ReadonlyMap<string, number>,
): ReadonlyMap<string, Assignment> => {
  const assigned = new Map([...subscriptions.keys()].map((member) => [member, new Map<string, number[]>()]));
  for (const [topic, count] of partitionCounts) {
    const members = [...subscriptions].filter(([, topics]) => topics.includes(topic)).map(([member]) => member);
    members.sort();
    for (const [index, member] of members.entries()) {
      const start = Math.ceil((index * count) / members.length);
      const end = Math.ceil(((index + 1) * count) / members.length);
      const partitions = Array.from({ length: end - start }, (_, offset) => start + offset);
      if (partitions.length > 0) assigned.get(member)?.set(topic, partitions);
    }
  }
  return assigned;
};
