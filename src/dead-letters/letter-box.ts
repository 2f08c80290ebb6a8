import type { KafkaAdmin, KafkaDriver, TopicReader } from '../clients/kafka/port.ts';
import { isKeyferryError } from '../core/errors.ts';
import type { Place } from '../core/place.ts';
import { type Letter, readLetter } from './read-letter.ts';

/** A topic, as far as it matters to whoever reads letters from it. */
export interface BoxState {
  /** Kafka's id of the topic; undefined where the client cannot tell. */
  readonly id: string | undefined;
  /** The next offset of each partition. */
  readonly ends: ReadonlyMap<number, bigint>;
}

/** Reads dead-letter topics. For one action; whoever opened it closes it. */
export class LetterBox {
  readonly #admin: KafkaAdmin;
  readonly #reader: TopicReader;
  readonly #states = new Map<string, BoxState>();

  constructor(kafka: KafkaDriver) {
    this.#admin = kafka.admin();
    this.#reader = kafka.reader();
  }

  /** As it was when it was first asked for. A topic that is not there has no partitions. @throws KF_KAFKA_UNAVAILABLE... */
  async state(topic: string): Promise<BoxState> {
    const known = this.#states.get(topic);
    if (known !== undefined) return known;
    const state = await this.#look(topic);
    this.#states.set(topic, state);
    return state;
  }

  /**
   * Reads a partition's letters from an offset on, in order, until `take` says `enough`, or up to the end that
   * `state` told.
   * @throws KF_KAFKA_UNAVAILABLE...
   */
  async read(from: Place, take: (letter: Letter) => 'enough' | undefined): Promise<void> {
    const { topic, partition } = from;
    const { ends } = await this.state(topic);
    const end = ends.get(partition);
    if (end === undefined || from.offset >= end) return;
    // The other partitions have nothing to read.
    const starts = new Map(ends).set(partition, from.offset);
    await this.#reader.readToEnd(topic, starts, (batch) => {
      if (batch.partition !== partition) return undefined;
      for (const record of batch.records) {
        if (record.offset >= end || take(readLetter(topic, partition, record)) === 'enough') return 'enough';
      }
      return undefined;
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#admin.close(), this.#reader.close()]);
  }

  async #look(topic: string): Promise<BoxState> {
    try {
      if ((await this.#admin.describe(topic)) === undefined) return { id: undefined, ends: new Map() };
      return { id: await this.#admin.topicId(topic), ends: await this.#admin.endOffsets(topic) };
    } catch (error) {
      if (!isKeyferryError(error, 'KF_KAFKA_TOPIC_MISSING')) throw error;
      return { id: undefined, ends: new Map() };
    }
  }
}
