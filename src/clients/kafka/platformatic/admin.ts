import { Admin, ListOffsetTimestamps, ConfigResourceTypes, createTopicsV4 } from '@platformatic/kafka';

import { isKeyferryError } from '../../../core/errors.ts';
import { ASKS, type Ask } from '../asks.ts';
import type { KafkaAdmin, TopicDescription, TopicSpec } from '../port.ts';
import type { DriverOptions } from '../driver-options.ts';
import { onceSettled } from '../settling.ts';
import { libraryOptions } from './cluster.ts';
import { ConnectionWatch } from './connection-watch.ts';
import { fromPlatformatic, isBrokerError, isPassing } from './errors.ts';

const CREATE_TIMEOUT_MS = 5_000;
const BROKER_DEFAULT = -1;

type CreateTopic = createTopicsV4.CreateTopicsRequestTopic;
/** What a broker says that keeps no ids. */
const NO_ID = '00000000-0000-0000-0000-000000000000';

export class PlatformaticAdmin implements KafkaAdmin {
  readonly #admin: Admin;
  readonly #watch: ConnectionWatch;

  constructor(options: DriverOptions) {
    this.#admin = new Admin(libraryOptions(options));
    this.#watch = new ConnectionWatch(this.#admin.connections);
  }

  async topics(): Promise<readonly string[]> {
    return this.#asked(ASKS.listTopics(), () => this.#admin.listTopics());
  }

  async describe(topic: string): Promise<TopicDescription | undefined> {
    try {
      return await this.#asked(ASKS.describeTopic(topic), () => this.#describe(topic));
    } catch (error) {
      if (isKeyferryError(error, 'KF_KAFKA_TOPIC_MISSING')) return undefined;
      throw error;
    }
  }

  async #describe(topic: string): Promise<TopicDescription | undefined> {
    const partitions = await this.#partitions(topic);
    if (partitions === undefined) return undefined;
    const [described] = await this.#admin.describeConfigs({
      resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic }],
    });
    const config = new Map<string, string>();
    for (const { name, value } of described?.configs ?? []) if (typeof value === 'string') config.set(name, value);
    return {
      name: topic,
      partitions: partitions.length,
      replicationFactor: partitions[0]?.replicas.length ?? 0,
      config,
    };
  }

  async #partitions(topic: string) {
    return (await this.#metadata(topic))?.partitions;
  }

  async #metadata(topic: string) {
    // Not retried: "unknown topic" is an answer here, and the library would ask again and again.
    const metadata = await this.#admin.metadata({ topics: [topic], forceUpdate: true, retries: 0 });
    return metadata.topics.get(topic);
  }

  async topicId(topic: string): Promise<string | undefined> {
    try {
      const id = await this.#asked(ASKS.describeTopic(topic), async () => (await this.#metadata(topic))?.id);
      // In the place of an id that a broker before 2.8 does not have, the library gives the name.
      return id === topic || id === NO_ID ? undefined : id;
    } catch (error) {
      if (isKeyferryError(error, 'KF_KAFKA_TOPIC_MISSING')) return undefined;
      throw error;
    }
  }

  async create({ name, partitions, config, validateOnly }: TopicSpec): Promise<void> {
    const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }));
    if (validateOnly === true) {
      await this.#asked(ASKS.createTopic(name), () => this.#validate({ name, numPartitions: partitions, configs }));
      return;
    }
    await this.#asked(ASKS.createTopic(name), async () => {
      try {
        await this.#admin.createTopics({ topics: [name], partitions, replicas: -1, configs });
      } catch (error) {
        if (!isBrokerError(error, 'TOPIC_ALREADY_EXISTS')) throw error;
      }
      // Only its leaders tell the ends.
      await onceSettled(
        () => this.#endOffsets(name),
        () => true,
      );
    });
  }

  /** The library's own request always means it. */
  async #validate(topic: Pick<CreateTopic, 'name' | 'numPartitions' | 'configs'>): Promise<void> {
    const { brokers } = await this.#admin.metadata({ topics: [], retries: 0 });
    const connection = await this.#admin.connections.getFirstAvailable([...brokers.values()]);
    const topics = [{ ...topic, replicationFactor: BROKER_DEFAULT, assignments: [] }];
    try {
      await createTopicsV4.api.async(connection, topics, CREATE_TIMEOUT_MS, true);
    } catch (error) {
      if (!isBrokerError(error, 'TOPIC_ALREADY_EXISTS')) throw error;
    }
  }

  async endOffsets(topic: string): Promise<ReadonlyMap<number, bigint>> {
    return this.#asked(ASKS.listOffsets(topic), () => onceSettled(() => this.#endOffsets(topic), isPassing));
  }

  async #endOffsets(topic: string): Promise<ReadonlyMap<number, bigint>> {
    const indexes = [...((await this.#partitions(topic)) ?? []).keys()];
    const partitions = indexes.map((partitionIndex) => ({ partitionIndex, timestamp: ListOffsetTimestamps.LATEST }));
    const [listed] = await this.#admin.listOffsets({ topics: [{ name: topic, partitions }] });
    return new Map((listed?.partitions ?? []).map(({ partitionIndex, offset }) => [partitionIndex, offset]));
  }

  async close(): Promise<void> {
    await this.#admin.close();
  }

  async #asked<T>(ask: Ask, request: () => Promise<T>): Promise<T> {
    try {
      return await this.#watch.explained(request());
    } catch (error) {
      throw fromPlatformatic(error, ask);
    }
  }
}
