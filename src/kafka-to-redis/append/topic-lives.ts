import type { KafkaDriver, RecordBatch } from '../../clients/kafka/port.ts';
import { KeyferryError } from '../../core/errors.ts';
import { positionField } from './positions.ts';

/** A topic as it is now. A topic that was deleted and made again under its name has another id, and begins at offset 0. */
interface TopicLife {
  /** undefined where the Kafka client cannot tell. */
  readonly id: string | undefined;
  /** The next offset of each partition; asked where there is no id. */
  readonly ends: ReadonlyMap<number, bigint>;
}

/** Tells which topic a batch is of, by more than its name. Lives for one membership of the group. */
export class TopicLives {
  readonly #kafka: KafkaDriver;
  readonly #ids = new Map<string, string | undefined>();
  /** The offset behind the last batch, by topic and partition. */
  readonly #next = new Map<string, bigint>();

  constructor(kafka: KafkaDriver) {
    this.#kafka = kafka;
  }

  /** Asks for the topics' ids. Before the first batch is fetched: whose topic has the same id afterwards, is of that topic. */
  async open(topics: readonly string[]): Promise<void> {
    const admin = this.#kafka.admin();
    try {
      for (const topic of topics) this.#ids.set(topic, await admin.topicId(topic));
    } finally {
      await admin.close();
    }
  }

  /**
   * The topic of a batch that may be of another life than the one before it: the first one of a partition, or one that
   * goes back. undefined where the batch simply goes on.
   * @throws KF_KAFKA_UNAVAILABLE where the topic has been made again since the membership began: nobody knows of which
   * one the batch is. The next membership begins with the new one.
   */
  async lookAgain(batch: RecordBatch): Promise<TopicLife | undefined> {
    const field = positionField(batch);
    const first = batch.records[0]?.offset;
    const next = this.#next.get(field);
    if (first === undefined || (next !== undefined && first >= next)) return undefined;
    const life = await this.#lifeOf(batch.topic);
    const known = this.#ids.get(batch.topic);
    // It was not there yet when the membership began.
    if (known === undefined) this.#ids.set(batch.topic, life.id);
    if (known === undefined || known === life.id) return life;
    throw new KeyferryError(
      'KF_KAFKA_UNAVAILABLE',
      `topic ${batch.topic} was deleted and created again under the sink, which is about to join its group anew`,
    );
  }

  id(topic: string): string | undefined {
    return this.#ids.get(topic);
  }

  /** A batch was applied. */
  applied(batch: RecordBatch): void {
    const last = batch.records.at(-1);
    if (last !== undefined) this.#next.set(positionField(batch), last.offset + 1n);
  }

  async #lifeOf(topic: string): Promise<TopicLife> {
    const admin = this.#kafka.admin();
    try {
      const id = await admin.topicId(topic);
      return { id, ends: id === undefined ? await admin.endOffsets(topic) : new Map() };
    } finally {
      await admin.close();
    }
  }
}
