import { Redis } from 'ioredis';
import type { KafkaDriver } from '../../src/clients/kafka/port.ts';
import { RESERVED_PREFIX } from '../../src/core/key-name.ts';
import { eventually } from '../../test/support/eventually.ts';

const SCAN_COUNT = 5_000;
const READ = { timeoutMs: 300_000, what: 'the topic to be read' };

/** A topic seen from outside of Keyferry. */
export interface Topic {
  readonly name: string;
  /** Records that were ever written to it. */
  recordCount(): Promise<number>;
  /** Compares its last records with the keys of a Redis, or of all masters of a cluster, every one. */
  compare(...redisUrls: readonly string[]): Promise<{ readonly keys: number; readonly lost: number }>;
  close(): Promise<void>;
}

export const createTopic = async (
  driver: KafkaDriver,
  name: string,
  config: Readonly<Record<string, string>> = {},
): Promise<Topic> => {
  const admin = driver.admin();
  await admin.create({ name, partitions: 6, config: { 'cleanup.policy': 'compact', ...config } });
  return {
    name,
    recordCount: async () => {
      const ends = await admin.endOffsets(name);
      return Number([...ends.values()].reduce((sum, end) => sum + end, 0n));
    },
    // A fresh broker's group coordinator, which kafkajs asks, may still be loading.
    compare: async (...redisUrls) => compare(await eventually(() => keysOn(driver, name), READ), redisUrls),
    close: () => admin.close(),
  };
};

const keysOn = async (driver: KafkaDriver, topic: string): Promise<ReadonlySet<string>> => {
  const keys = new Set<string>();
  const reader = driver.reader();
  await reader.readToEnd(topic, new Map(), ({ records }) => {
    for (const { key, value } of records) {
      const name = key?.toString('latin1') ?? '';
      if (value === null) keys.delete(name);
      else keys.add(name);
    }
  });
  await reader.close();
  return keys;
};

const compare = async (published: ReadonlySet<string>, redisUrls: readonly string[]) => {
  // SCAN may tell a key twice.
  const keys = new Set<string>();
  for (const url of redisUrls) for await (const key of keysOf(url)) keys.add(key);
  return { keys: keys.size, lost: keys.difference(published).size };
};

async function* keysOf(redisUrl: string): AsyncGenerator<string> {
  const redis = new Redis(redisUrl);
  let cursor = '0';
  do {
    const [next, page] = await redis.scan(cursor, 'COUNT', SCAN_COUNT);
    yield* page.filter((one) => !one.startsWith(RESERVED_PREFIX));
    cursor = next;
  } while (cursor !== '0');
  redis.disconnect();
}
