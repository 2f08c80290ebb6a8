import { Admin, ListOffsetTimestamps, ConfigResourceTypes } from '@platformatic/kafka';

import { isKeyferryError } from '../../../core/errors.ts';
import type { KafkaAdmin, TopicDescription, TopicSpec } from '../port.ts';
import type { DriverOptions } from '../driver-options.ts';
import { libraryOptions } from './cluster.ts';
import { fromPlatformatic } from './errors.ts';

export class PlatformaticAdmin implements KafkaAdmin {
  readonly #admin: Admin;

  constructor(options: DriverOptions) {
    this.#admin = new Admin(libraryOptions(options));
  }

  async topics(): Promise<readonly string[]> {
    return this.#asked('list topics', () => this.#admin.listTopics());
  }

  async describe(topic: string): Promise<TopicDescription | undefined> {
    try {
      return await this.#asked(`describe topic ${topic}`, () => this.#describe(topic));
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
    // Not retried: "unknown topic" is an answer here, and the library would ask again and again.
    const metadata = await this.#admin.metadata({ topics: [topic], forceUpdate: true, retries: 0 });
    return metadata.topics.get(topic)?.partitions;
  }

  async create({ name, partitions, config }: TopicSpec): Promise<void> {
    const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }));
    try {
      await this.#admin.createTopics({ topics: [name], partitions, replicas: -1, configs });
    } catch (error) {
      const translated = fromPlatformatic(error, `create topic ${name}`);
      if (!translated.message.includes('already exists')) throw translated;
    }
  }

  async endOffsets(topic: string): Promise<ReadonlyMap<number, bigint>> {
    return this.#asked(`list offsets of ${topic}`, async () => {
      const indexes = [...((await this.#partitions(topic)) ?? []).keys()];
      const partitions = indexes.map((partitionIndex) => ({ partitionIndex, timestamp: ListOffsetTimestamps.LATEST }));
      const [listed] = await this.#admin.listOffsets({ topics: [{ name: topic, partitions }] });
      return new Map((listed?.partitions ?? []).map(({ partitionIndex, offset }) => [partitionIndex, offset]));
    });
  }

  async close(): Promise<void> {
    await this.#admin.close();
  }

  async #asked<T>(doing: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw fromPlatformatic(error, doing);
    }
  }
}
