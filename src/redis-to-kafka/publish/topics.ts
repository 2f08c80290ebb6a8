import type { KafkaAdmin, OutgoingRecord, TopicDescription } from '../../clients/kafka/port.ts';
import { KeyferryError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';

/**
 * What a topic holds: `states`, of which Kafka must keep each key's last for good, `events`, each of which counts, or
 * dead `letters`, which may be larger than what other topics take.
 */
export type TopicKind = 'states' | 'events' | 'letters';

/** Close to what a broker takes in one request, by default. */
const LARGEST_LETTER_BYTES = 100_000_000;

const CREATED_WITH: Record<TopicKind, Readonly<Record<string, string>>> = {
  states: { 'cleanup.policy': 'compact' },
  events: { 'cleanup.policy': 'delete' },
  letters: { 'cleanup.policy': 'delete', 'max.message.bytes': String(LARGEST_LETTER_BYTES) },
};

export interface SourceTopicsOptions {
  readonly admin: KafkaAdmin;
  readonly partitions: number;
  readonly kind?: Exclude<TopicKind, 'letters'>;
  /** Gets one partition. */
  readonly deadLetter?: string | undefined;
  readonly logger: Logger;
}

/** Sees to it that the topics of a source exist. */
export class SourceTopics {
  readonly #known = new Set<string>();
  readonly #options: SourceTopicsOptions;

  constructor(options: SourceTopicsOptions) {
    this.#options = options;
  }

  /** Creates the topic where it lacks. One that exists is taken as it is; `keyferry check` tells what is wrong with it. */
  async ensure(name: string): Promise<void> {
    if (this.#known.has(name)) return;
    const { admin, deadLetter, kind = 'states' } = this.#options;
    const isLetters = name === deadLetter;
    const found = await admin.describe(name);
    if (found === undefined) await this.#create(name, isLetters ? 'letters' : kind);
    else if (!isLetters) this.#doubt(found, kind);
    this.#known.add(name);
  }

  async ensureOf(records: readonly OutgoingRecord[]): Promise<void> {
    for (const { topic } of records) if (!this.#known.has(topic)) await this.ensure(topic);
  }

  async #create(name: string, kind: TopicKind): Promise<void> {
    const { admin, logger } = this.#options;
    const partitions = kind === 'letters' ? 1 : this.#options.partitions;
    await admin.create({ name, partitions, config: CREATED_WITH[kind] });
    logger.info({ topic: name, partitions }, 'topic created');
    if ((await admin.describe(name)) === undefined) {
      throw new KeyferryError('KF_KAFKA_UNAVAILABLE', `topic ${name} was created and is not there yet`);
    }
  }

  #doubt({ name, config }: TopicDescription, kind: TopicKind): void {
    const isCompacted = (config.get('cleanup.policy') ?? '').includes('compact');
    if (isCompacted === (kind === 'states')) return;
    const why = isCompacted
      ? 'the topic is compacted: of the events of one record key, Kafka will keep the last one only'
      : 'the topic is not compacted: Kafka will drop records of keys that did not change for long';
    this.#options.logger.warn({ topic: name }, why);
  }
}
