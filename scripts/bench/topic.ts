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
  /** Compares its last records with the keys of a Redis, every one. */
  compare(redisUrl: string): Promise<{ readonly keys: number; readonly lost: number }>;
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
    compare: async (redisUrl) => compare(await eventually(() => keysOn(driver, name), READ), redisUrl),
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

const compare = async (published: ReadonlySet<string>, redisUrl: string) => {
  const redis = new Redis(redisUrl);
  // SCAN may tell a key twice.
  const keys = new Set<string>();
  const lost = new Set<string>();
  let cursor = '0';
  do {
    const [next, page] = await redis.scan(cursor, 'COUNT', SCAN_COUNT);
    for (const key of page.filter((one) => !one.startsWith(RESERVED_PREFIX))) {
      keys.add(key);
      if (!published.has(key)) lost.add(key);
    }
    cursor = next;
  } while (cursor !== '0');
  redis.disconnect();
  return { keys: keys.size, lost: lost.size };
};
