import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { readTopic } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';

const CUSTOMERS = 50;
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

/** Adds entries until it is told to stop, through every fault. */
class Writer {
  readonly #redis: Redis;
  /** IDs that Redis has answered. */
  readonly ids = new Set<string>();
  #isRunning = true;
  readonly #done: Promise<void>;

  constructor(redis: Redis) {
    this.#redis = redis;
    this.#done = this.#run();
  }

  /** Resolves when so many more entries stand in the stream. */
  async more(count: number): Promise<void> {
    const target = this.ids.size + count;
    await eventually(() => this.ids.size >= target, { what: `${count} more entries`, timeoutMs: 180_000 });
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await this.#done;
  }

  async #run(): Promise<void> {
    while (this.#isRunning) {
      await Promise.all(Array.from({ length: 50 }, (_, at) => this.#add(at)));
      // A few thousand entries a second: enough to be under load, and soon counted.
      await pause(20);
    }
  }

  async #add(at: number): Promise<void> {
    const id = await this.#redis.xadd('orders', '*', 'customer', at % CUSTOMERS, 'n', this.ids.size).catch(() => null);
    if (id !== null) this.ids.add(id);
  }
}

interface Stage {
  readonly server: RedisServer;
  readonly redis: Redis;
  readonly topic: string;
  readonly brokers: readonly string[];
  readonly daemon: Daemon;
  readonly writer: Writer;
}

const setUp = async (brokers = inject('kafkaBrokers')): Promise<Stage> => {
  const server = await (await stackProvider()).startRedis({ args: DURABLE });
  const redis = new Redis(server.url, { maxRetriesPerRequest: 0, enableOfflineQueue: false, retryStrategy: () => 100 });
  redis.on('error', () => undefined);
  const topic = `stream-${randomUUID()}`;
  const daemon = await Daemon.create({
    redis: { url: server.url },
    kafka: { brokers: [...brokers] },
    sources: [
      { name: 'orders', type: 'stream', keys: ['orders'], topic, recordKey: '{field:customer}', trim: 'acknowledged' },
    ],
  });
  await daemon.start();
  await eventually(() => redis.ping());
  const writer = new Writer(redis);
  onTestFinished(async () => {
    await writer.stop();
    await daemon.dispose();
    redis.disconnect();
    await server.kill();
  });
  return { server, redis, topic, brokers, daemon, writer };
};

/** Waits until the daemon, as it runs now, has published so many entries. */
const published = ({ daemon }: Stage, count: number): Promise<boolean> => {
  const series = 'keyferry_stream_entries_total{source="orders",outcome="published"}';
  const probe = async (): Promise<boolean> => (await daemon.metric(series)) >= count;
  return eventually(probe, { what: `${count} entries to be published`, timeoutMs: 180_000 });
};

const compareIds = (a: string, b: string): number => {
  const [aMs = 0, aSeq = 0] = a.split('-').map(Number);
  const [bMs = 0, bSeq = 0] = b.split('-').map(Number);
  return aMs - bMs || aSeq - bSeq;
};

/** Nothing is written any more: in the end every entry is on the topic, in the order of its customer. */
const expectAll = async ({ redis, topic, brokers, writer }: Stage): Promise<void> => {
  await writer.stop();
  const isDone = async (): Promise<boolean> => (await redis.xlen('orders')) === 0;
  await eventually(isDone, { what: 'the last entry to be acknowledged and trimmed', timeoutMs: 180_000 });
  const records = await readTopic(brokers, topic);
  const firsts = new Map<string, string>();
  for (const { key, headers } of records)
    if (!firsts.has(headers['kf-id'] ?? '')) firsts.set(headers['kf-id'] ?? '', key);
  expect([...writer.ids].filter((id) => !firsts.has(id))).toEqual([]);
  for (const customer of new Set(firsts.values())) {
    const order = [...firsts].filter(([, key]) => key === customer).map(([id]) => id);
    expect(order).toEqual(order.toSorted(compareIds));
  }
};

describe('the daemon with a stream source', () => {
  test('loses no entry and keeps their order when it is killed under load, again and again', async () => {
    const stage = await setUp();
    for (let kills = 0; kills < 3; kills += 1) {
      await published(stage, 500);
      await stage.daemon.kill();
      await stage.writer.more(1_000);
      await stage.daemon.start();
    }
    await expectAll(stage);
  });

  test('loses no entry and keeps their order when Redis is killed, or cuts connections', async () => {
    const stage = await setUp();
    await published(stage, 500);
    for (let faults = 1; faults <= 2; faults += 1) {
      for (let cuts = 0; cuts < 5; cuts += 1) {
        await stage.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        await stage.writer.more(200);
      }
      await stage.server.kill();
      await stage.server.start();
      await stage.writer.more(500);
      await published(stage, stage.writer.ids.size);
    }
    await expectAll(stage);
    expect(await stage.daemon.stop()).toBe(0);
  });

  test('waits for Kafka while its broker restarts, and then publishes what came meanwhile', async () => {
    const kafka = await (await stackProvider()).startKafka();
    const stage = await setUp(kafka.brokers);
    await published(stage, 500);
    await kafka.kill();
    await stage.writer.more(500);
    const isTold = async (): Promise<boolean> =>
      (await stage.daemon.get('/readyz')).status === 503 &&
      (await stage.daemon.metric('keyferry_stream_group_pending')) > 0;
    await eventually(isTold, { what: 'the daemon to say that Kafka is away', timeoutMs: 180_000 });
    await kafka.start();
    await published(stage, stage.writer.ids.size);
    await expectAll(stage);
    await eventually(async () => (await stage.daemon.get('/readyz')).status === 200, {
      what: 'the daemon to be ready',
    });
    expect(await stage.daemon.stop()).toBe(0);
  });
});
