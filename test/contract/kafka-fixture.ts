import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { connectKafka, type KafkaClient } from '../../src/clients/kafka/connect.ts';
import type {
  GroupConsumer,
  IncomingRecord,
  KafkaDriver,
  OutgoingRecord,
  RecordBatch,
} from '../../src/clients/kafka/port.ts';

export const connect = (client: KafkaClient, brokers: readonly string[]): KafkaDriver =>
  connectKafka({ client, brokers, clientId: `contract-${client}` });

/** Closes what a test opened, last first, whatever becomes of the test. */
export class Closers {
  readonly #closers: (() => Promise<void>)[] = [];

  use<T extends { close(): Promise<void> }>(resource: T): T {
    this.#closers.push(() => resource.close());
    return resource;
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }
}

export const uniqueName = (what: string): string => `contract-${what}-${randomUUID().slice(0, 8)}`;

export const record = (
  topic: string,
  key: string | Buffer | null,
  value: string | Buffer | null,
  more: { readonly partition?: number; readonly headers?: Readonly<Record<string, Buffer>> } = {},
): OutgoingRecord => ({
  topic,
  key: typeof key === 'string' ? Buffer.from(key) : key,
  value: typeof value === 'string' ? Buffer.from(value) : value,
  headers: new Map(Object.entries(more.headers ?? {})),
  ...(more.partition === undefined ? {} : { partition: more.partition }),
});

export const newTopic = async (
  driver: KafkaDriver,
  partitions = 1,
  config: Readonly<Record<string, string>> = {},
): Promise<string> => {
  const admin = driver.admin();
  const name = uniqueName('topic');
  await admin.create({ name, partitions, config });
  await admin.close();
  return name;
};

export const produce = async (driver: KafkaDriver, records: readonly OutgoingRecord[]): Promise<void> => {
  const producer = await driver.producer();
  for (let at = 0; at < records.length; at += 2_000) await producer.send(records.slice(at, at + 2_000));
  await producer.close();
};

export interface Delivered extends IncomingRecord {
  readonly topic: string;
  readonly partition: number;
}

export const flatten = ({ topic, partition, records }: RecordBatch): Delivered[] =>
  records.map((each) => ({ ...each, topic, partition }));

/** What a topic holds from `from` on, as the driver's reader delivers it. */
export const readAll = async (
  driver: KafkaDriver,
  topic: string,
  from: ReadonlyMap<number, bigint> = new Map(),
): Promise<{ records: Delivered[]; ends: ReadonlyMap<number, bigint> }> => {
  const reader = driver.reader();
  const records: Delivered[] = [];
  try {
    const ends = await reader.readToEnd(topic, from, (batch) => void records.push(...flatten(batch)));
    return { records, ends };
  } finally {
    await reader.close();
  }
};

export const text = (bytes: Buffer | null): string | null => bytes && bytes.toString();
export const values = (records: readonly IncomingRecord[]): (string | null)[] =>
  records.map(({ value }) => text(value));
export const byPartition = <T extends { partition: number }>(records: readonly T[]): Map<number, T[]> =>
  Map.groupBy(records, ({ partition }) => partition);

/** A consumer that runs, and what it was given so far. */
export interface Listening {
  readonly consumer: GroupConsumer;
  readonly received: Delivered[];
  /** Settles as `run` does. */
  readonly ran: Promise<void>;
}

export const listen = (
  driver: KafkaDriver,
  groupId: string,
  topics: readonly string[],
  handle: (batch: RecordBatch) => Promise<void> | void = () => undefined,
): Listening => {
  const consumer = driver.groupConsumer({ groupId, topics });
  const received: Delivered[] = [];
  const ran = consumer.run(async (batch) => {
    await handle(batch);
    received.push(...flatten(batch));
  });
  // Looked at by the test; until then it is not to count as unhandled.
  ran.catch(() => undefined);
  return { consumer, received, ran };
};

/** Things that the port does not do: an independent client does them. */
export const independent = (brokers: readonly string[]) => {
  const kafka = new kafkajs.Kafka({
    brokers: [...brokers],
    clientId: 'contract-independent',
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const withAdmin = async <T>(use: (admin: kafkajs.Admin) => Promise<T>): Promise<T> => {
    const admin = kafka.admin();
    await admin.connect();
    try {
      return await use(admin);
    } finally {
      await admin.disconnect();
    }
  };
  return {
    groups: () => withAdmin(async (admin) => (await admin.listGroups()).groups.map(({ groupId }) => groupId)),
    /** How many there are in a group. */
    members: (groupId: string) =>
      withAdmin(
        async (admin) => (await admin.describeGroups([groupId])).groups.flatMap(({ members }) => members).length,
      ),
    deleteRecords: (topic: string, offset: bigint) =>
      withAdmin(async (admin) => {
        await admin.fetchTopicOffsets(topic); // so that it knows the leader
        await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: offset.toString() }] });
      }),
    /** Offset by partition; -1 where none is committed. */
    committed: (groupId: string, topic: string) =>
      withAdmin(async (admin) => {
        const [ofTopic] = await admin.fetchOffsets({ groupId, topics: [topic] });
        return new Map((ofTopic?.partitions ?? []).map(({ partition, offset }) => [partition, BigInt(offset)]));
      }),
    transaction: async (topic: string, sent: readonly string[], end: 'commit' | 'abort') => {
      const producer = kafka.producer({ transactionalId: uniqueName('tx'), idempotent: true, maxInFlightRequests: 1 });
      await producer.connect();
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: sent.map((value) => ({ key: value, value })) });
      await transaction[end]();
      await producer.disconnect();
    },
    compressed: async (topic: string, sent: readonly string[]) => {
      const producer = kafka.producer();
      await producer.connect();
      const messages = sent.map((value) => ({ key: value, value }));
      await producer.send({ topic, messages, compression: kafkajs.CompressionTypes.GZIP });
      await producer.disconnect();
    },
  };
};
