import type { IncomingRecord, KafkaAdmin, TopicReader } from '../clients/kafka/port.ts';
import { fingerprintOf } from '../codecs/fingerprint.ts';
import { publishedHeaders } from '../codecs/record-headers.ts';
import { type KeyName, keyName } from '../core/key-name.ts';
import type { Logger } from '../core/log.ts';
import type { PublishedChange, PublishedState, PublishedStates, TopicPosition } from './published-states.ts';

export interface CatchUpOptions {
  readonly published: PublishedStates;
  readonly admin: KafkaAdmin;
  readonly reader: TopicReader;
  /** Which topics may hold records of this source and database. */
  readonly isOurs: (topic: string) => boolean;
  /** The topic to which a key's state goes. */
  readonly topicOf: (key: KeyName, redisType: string) => string;
  readonly logger: Logger;
  /** Records read so far, for people who wait. */
  readonly onProgress: (records: number) => void;
}

const stateOf = (record: IncomingRecord, value: Buffer): PublishedState => {
  const { redisType, expireAt } = publishedHeaders(record.headers);
  return { fingerprint: fingerprintOf(value, expireAt), redisType, expireAt };
};

/** The positions of a topic that is gone, or shorter than we knew it: then it is another topic of the same name. */
const isReplaced = (position: TopicPosition, ends: ReadonlyMap<string, ReadonlyMap<number, bigint>>): boolean =>
  position.offset > (ends.get(position.topic)?.get(position.partition) ?? -1n);

/**
 * Brings the store to what the topics hold, reading each from the position that the store stands at: after a crash the
 * last moments, with an empty store everything. So a key that was deleted while Redis' keys and the store were both
 * unwatched still gets its tombstone.
 */
export const catchUp = async (options: CatchUpOptions): Promise<number> => {
  const { published, admin, reader, logger } = options;
  const topics = (await admin.topics()).filter(options.isOurs);
  const ends = new Map<string, ReadonlyMap<number, bigint>>();
  for (const topic of topics) ends.set(topic, await admin.endOffsets(topic));
  const replaced = published.positions().find((position) => isReplaced(position, ends));
  if (replaced !== undefined) {
    logger.warn({ topic: replaced.topic }, 'the topic is not the one that the state store knows; reading all of it');
    published.clear();
  }
  let records = 0;
  for (const topic of topics) {
    const from = new Map(
      published
        .positions()
        .filter((position) => position.topic === topic)
        .map(({ partition, offset }) => [partition, offset]),
    );
    const reached = await reader.readToEnd(topic, from, (batch) => {
      // One by one: a tombstone means the state that a record just before it may have set.
      for (const record of batch.records) published.remember(changeOf(options, topic, record), []);
      const last = batch.records.at(-1);
      if (last !== undefined) {
        published.remember([], [{ topic, partition: batch.partition, offset: last.offset + 1n }]);
      }
      records += batch.records.length;
      options.onProgress(records);
    });
    published.remember(
      [],
      [...reached].map(([partition, offset]) => ({ topic, partition, offset })),
    );
  }
  return records;
};

const changeOf = (options: CatchUpOptions, topic: string, record: IncomingRecord): readonly PublishedChange[] => {
  if (record.key === null) return [];
  const key = keyName(record.key);
  if (record.value !== null) return [{ key, state: stateOf(record, record.value) }];
  // A key that moved to another topic leaves a tombstone on the old one: it says nothing about the new one's record.
  const known = options.published.get(key);
  if (known === undefined || options.topicOf(key, known.redisType) !== topic) return [];
  return [{ key, state: undefined }];
};
