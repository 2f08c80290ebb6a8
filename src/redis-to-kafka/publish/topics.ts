import type { KafkaAdmin, OutgoingRecord } from '../../clients/kafka/port.ts';
import { KeyferryError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';

const COMPACTED = { 'cleanup.policy': 'compact' } as const;

/** Sees to it that the topics of a source exist: compacted, so that Kafka keeps each key's last record for good. */
export class SourceTopics {
  readonly #known = new Set<string>();
  readonly #options: { readonly admin: KafkaAdmin; readonly partitions: number; readonly logger: Logger };

  constructor(options: { readonly admin: KafkaAdmin; readonly partitions: number; readonly logger: Logger }) {
    this.#options = options;
  }

  /** Creates the topic where it lacks. One that exists is taken as it is; `keyferry check` tells what is wrong with it. */
  async ensure(name: string): Promise<void> {
    if (this.#known.has(name)) return;
    const { admin, partitions, logger } = this.#options;
    const found = await admin.describe(name);
    if (found === undefined) {
      await admin.create({ name, partitions, config: COMPACTED });
      logger.info({ topic: name, partitions }, 'topic created');
      if ((await admin.describe(name)) === undefined) {
        throw new KeyferryError('KF_KAFKA_UNAVAILABLE', `topic ${name} was created and is not there yet`);
      }
    } else if (!(found.config.get('cleanup.policy') ?? '').includes('compact')) {
      logger.warn(
        { topic: name },
        'the topic is not compacted: Kafka will drop records of keys that did not change for long',
      );
    }
    this.#known.add(name);
  }

  async ensureOf(records: readonly OutgoingRecord[]): Promise<void> {
    for (const { topic } of records) if (!this.#known.has(topic)) await this.ensure(topic);
  }
}
