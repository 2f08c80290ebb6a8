import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { readTopic } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';

const PROCESSING = '__keyferry__:list:{jobs}:jobs:queue';
const ITEM_BYTES = 20_000;

/** One partition, so that the order of the topic is that of the list. */
const setUp = async (brokers = inject('kafkaBrokers')) => {
  const server = await (await stackProvider()).startRedis();
  const redis = new Redis(server.url);
  const topic = `list-${randomUUID()}`;
  const daemon = await Daemon.create({
    redis: { url: server.url },
    kafka: { brokers: [...brokers] },
    sources: [{ name: 'queue', type: 'list', keys: ['jobs'], topic, partitions: 1, batch: 100 }],
  });
  onTestFinished(async () => {
    await daemon.dispose();
    redis.disconnect();
    await server.kill();
  });
  await daemon.start();
  let added = 0;
  return {
    redis,
    daemon,
    /** @param bytes of each item, at least. */
    add: async (count: number, bytes = 0): Promise<void> => {
      const items = Array.from({ length: count }, (_, at) => `job ${added + at}`.padEnd(bytes));
      added += count;
      for (let at = 0; at < count; at += 1_000) await redis.lpush('jobs', ...items.slice(at, at + 1_000));
    },
    /** Waits until the daemon, as it runs now, has published so many items. */
    published: (count: number) =>
      eventually(async () => (await daemon.metric('keyferry_list_items_total{source="queue",outcome="pub')) >= count, {
        what: `${count} items to be published`,
        timeoutMs: 180_000,
      }),
    /** In the end each item is on the topic, and in the order of the list. */
    expectAll: async (): Promise<void> => {
      await eventually(async () => (await redis.exists('jobs', PROCESSING)) === 0, {
        what: 'the lists to be empty',
        timeoutMs: 180_000,
      }).catch((error: unknown) => {
        throw new Error(`${String(error)}; the daemon's last words:\n${daemon.output.slice(-3_000)}`, { cause: error });
      });
      const values = (await readTopic(brokers, topic)).map(({ value }) => String(value).trimEnd());
      expect([...new Set(values)]).toEqual(Array.from({ length: added }, (_, at) => `job ${at}`));
    },
  };
};

describe('the daemon with a list source', () => {
  test('loses no item and keeps their order when it is killed under load, again and again', async () => {
    const { daemon, add, published, expectAll } = await setUp();
    for (let kills = 0; kills < 3; kills += 1) {
      await add(10_000);
      await published(500);
      await daemon.kill();
      await daemon.start();
    }
    await expectAll();
    expect(await daemon.stop()).toBe(0);
  });

  test('I9: takes a bounded part of the list while Kafka restarts, and then publishes all of it', async () => {
    const kafka = await (await stackProvider()).startKafka();
    const { redis, daemon, add, published, expectAll } = await setUp(kafka.brokers);
    await add(100);
    await published(100);
    await kafka.stop();
    await add(2_000, ITEM_BYTES);
    const inAll = async (): Promise<number> =>
      (await daemon.metric('keyferry_list_length')) + (await redis.llen(PROCESSING));
    await eventually(async () => (await inAll()) === 2_000, { what: 'the list to be counted' });
    expect((await redis.llen(PROCESSING)) * ITEM_BYTES).toBeLessThan(12_000_000);
    await kafka.start();
    await published(2_100);
    await expectAll();
    await eventually(async () => (await daemon.get('/readyz')).status === 200, { what: 'the daemon to be ready' });
    expect(await daemon.stop()).toBe(0);
  });
});
