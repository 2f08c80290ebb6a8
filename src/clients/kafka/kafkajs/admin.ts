import kafkajs, { type Admin } from 'kafkajs';

import { systemClock as clock } from '../../../core/clock.ts';
import { isKeyferryError } from '../../../core/errors.ts';
import { isTransient } from '../../../core/retry.ts';
import { ASKS, type Ask } from '../asks.ts';
import type { DriverOptions } from '../driver-options.ts';
import type { KafkaAdmin, TopicDescription, TopicSpec } from '../port.ts';
import { onceSettled } from '../settling.ts';
import { kafkajsClient } from './client.ts';
import { fromKafkajs } from './errors.ts';

/** Whoever uses a topic that has not appeared by then is told so, and tries again. */
const APPEARS_WITHIN_MS = 5_000;
const RETRY_MS = 100;

const INTERNAL = new Set(['__consumer_offsets', '__transaction_state', '__share_group_state']);

/** So the library fails where its metadata, which it may be asking for another topic, does not tell of the topic yet. */
const isUnseen = (error: unknown): boolean => error instanceof TypeError;

export class KafkajsAdmin implements KafkaAdmin {
  readonly #admin: Admin;
  #connected: Promise<void> | undefined;

  constructor(options: DriverOptions) {
    this.#admin = kafkajsClient(options).admin();
  }

  async topics(): Promise<readonly string[]> {
    const names = await this.#asked(ASKS.listTopics(), () => this.#admin.listTopics());
    return names.filter((name) => !INTERNAL.has(name)).toSorted();
  }

  async describe(topic: string): Promise<TopicDescription | undefined> {
    try {
      return await this.#asked(ASKS.describeTopic(topic), () => this.#describe(topic));
    } catch (error) {
      if (isKeyferryError(error, 'KF_KAFKA_TOPIC_MISSING')) return undefined;
      throw error;
    }
  }

  async #describe(topic: string): Promise<TopicDescription> {
    const { topics } = await this.#admin.fetchTopicMetadata({ topics: [topic] });
    const partitions = topics[0]?.partitions ?? [];
    const { resources } = await this.#admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
    });
    const entries = (resources[0]?.configEntries ?? []).map(
      ({ configName, configValue }) => [configName, configValue] as const,
    );
    return {
      name: topic,
      partitions: partitions.length,
      replicationFactor: partitions[0]?.replicas.length ?? 0,
      config: new Map(entries),
    };
  }

  async create({ name, partitions, config, validateOnly = false }: TopicSpec): Promise<void> {
    const configEntries = Object.entries(config).map(([key, value]) => ({ name: key, value }));
    const spec = { topic: name, numPartitions: partitions, replicationFactor: -1, configEntries };
    await this.#asked(ASKS.createTopic(name), () =>
      this.#admin.createTopics({ topics: [spec], waitForLeaders: false, validateOnly }),
    );
    if (!validateOnly) await this.#appears(name);
  }

  /** Brokers learn of a topic one after the other; the library's own wait fails at the first one that has not yet. */
  async #appears(topic: string): Promise<void> {
    for (const deadline = clock.monotonic() + APPEARS_WITHIN_MS; clock.monotonic() < deadline;) {
      try {
        // Only its leaders tell the ends.
        if ((await this.describe(topic)) !== undefined && (await this.endOffsets(topic)).size > 0) return;
      } catch (error) {
        if (!isTransient(error) && !isKeyferryError(error, 'KF_KAFKA_TOPIC_MISSING')) throw error;
      }
      await clock.sleep(RETRY_MS);
    }
  }

  /** The library's metadata requests are of a version before ids. */
  topicId(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async endOffsets(topic: string): Promise<ReadonlyMap<number, bigint>> {
    const offsets = await this.#asked(ASKS.listOffsets(topic), () =>
      onceSettled(() => this.#admin.fetchTopicOffsets(topic), isUnseen),
    );
    return new Map(offsets.map(({ partition, high }) => [partition, BigInt(high)]));
  }

  async deleteGroup(groupId: string): Promise<void> {
    await this.#asked(ASKS.deleteGroup(groupId), () => this.#admin.deleteGroups([groupId]));
  }

  async close(): Promise<void> {
    await this.#connected?.catch(() => undefined);
    await this.#admin.disconnect();
  }

  async #asked<T>(ask: Ask, request: () => Promise<T>): Promise<T> {
    try {
      this.#connected ??= this.#admin.connect();
      await this.#connected;
      return await request();
    } catch (error) {
      this.#connected = undefined;
      throw fromKafkajs(error, ask);
    }
  }
}
