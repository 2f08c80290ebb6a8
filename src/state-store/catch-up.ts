import type { KafkaAdmin, TopicReader } from '../clients/kafka/port.ts';
import type { Logger } from '../core/log.ts';
import type { PublishedStates, TopicPosition } from './published-states.ts';
import { type PublishedTopics, TopicRecords } from './topic-records.ts';

export interface CatchUpOptions {
  readonly published: PublishedStates;
  readonly admin: KafkaAdmin;
  readonly reader: TopicReader;
  readonly topics: PublishedTopics;
  readonly logger: Logger;
  /** Records read so far, for people who wait. */
  readonly onProgress: (records: number) => void;
}

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
  const topics = (await admin.topics()).filter((topic) => options.topics.pattern.test(topic));
  const ends = new Map<string, ReadonlyMap<number, bigint>>();
  for (const topic of topics) ends.set(topic, await admin.endOffsets(topic));
  const replaced = published.positions().find((position) => isReplaced(position, ends));
  if (replaced !== undefined) {
    logger.warn({ topic: replaced.topic }, 'the topic is not the one that the state store knows; reading all of it');
    published.clear();
  }
  const taken = new TopicRecords(published, options.topics);
  const reachedAtEnd: TopicPosition[] = [];
  let records = 0;
  for (const topic of topics) {
    const from = new Map(
      published
        .positions()
        .filter((position) => position.topic === topic)
        .map(({ partition, offset }) => [partition, offset]),
    );
    const reached = await reader.readToEnd(topic, from, (batch) => {
      for (const record of batch.records) taken.take(topic, record);
      const last = batch.records.at(-1);
      // Of several topics none is left behind: what stands elsewhere is known while all are read in one go only.
      if (last !== undefined && options.topics.only !== undefined) {
        published.remember([], [{ topic, partition: batch.partition, offset: last.offset + 1n }]);
      }
      records += batch.records.length;
      options.onProgress(records);
    });
    reachedAtEnd.push(...[...reached].map(([partition, offset]) => ({ topic, partition, offset })));
  }
  published.remember([], reachedAtEnd);
  return records;
};
