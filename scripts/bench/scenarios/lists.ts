import { join } from 'node:path';
import { eventually } from '../../../test/support/eventually.ts';
import type { RedisServer } from '../../../test/support/stack.ts';
import { startBare } from '../bare.ts';
import type { Bench, Scenario } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { benchmarkWrites } from '../load.ts';
import { cpuSeconds, watchMemory } from '../proc.ts';
import { type Topic, createTopic } from '../topic.ts';

const ITEMS = 1_000_000;
const LIST = 'jobs';
const TIMEOUT_MS = 600_000;
const WRITE = ['LPUSH', LIST, 'x'.repeat(100)];

/** A queue that is full when the daemon starts; measured from the first items published to the last ones. */
export const lists: Scenario = {
  id: 'i',
  title: 'items/s of a list source',
  run: async (bench) => {
    const { client, kafka, outside, provider } = bench;
    const redis = await provider.startRedis();
    const count = bench.scaled(ITEMS);
    const writer = await benchmarkWrites(redis, WRITE, count);
    const topic = await createTopic(outside, `bench-list-${Date.now()}`, { 'cleanup.policy': 'delete' });
    const carried = await carry(bench, redis, topic, count);
    const published = await topic.recordCount();
    await topic.close();
    await redis.stop();
    const bareTopic = await createTopic(outside, `bench-bare-${Date.now()}`, { 'cleanup.policy': 'delete' });
    const task = { client, brokers: kafka.brokers, topic: bareTopic.name, count };
    const producer = await startBare('producer', task).result;
    await bareTopic.close();
    return [
      {
        scenario: 'i',
        what: `list source, ${count} items of 100 B`,
        value: carried.perSecond,
        unit: 'items/s',
        limits: [
          { what: 'redis-benchmark LPUSH alone', value: writer, unit: 'items/s' },
          { what: 'bare producer', value: producer.perSecond, unit: 'items/s' },
        ],
      },
      {
        scenario: 'i',
        what: 'list source, CPU',
        value: carried.cpuSecondsPerMillion,
        unit: 'CPU-s/million',
        limits: [{ what: 'bare producer', value: producer.cpuSecondsPerMillion, unit: 'CPU-s/million' }],
      },
      { scenario: 'i', what: 'list source, RssAnon, most', value: carried.peakMiB, unit: 'MiB', limits: [] },
      {
        scenario: 'i',
        what: 'list source, lost',
        value: Math.max(0, count - published),
        unit: 'items',
        target: { atMost: 0 },
        limits: [],
      },
    ];
  },
};

const carry = async ({ dir, kafka, client }: Bench, redis: RedisServer, topic: Topic, count: number) => {
  const daemon = await startDaemon(dir, 'list', {
    redis: { url: redis.url },
    kafka: { brokers: kafka.brokers, client },
    sources: [{ name: 'queue', type: 'list', keys: [LIST], topic: topic.name }],
    state: { path: join(dir, 'list-state') },
  });
  const memory = watchMemory(daemon.pid);
  const published = async (): Promise<number> =>
    (await daemon.metric('keyferry_list_items_total{source="queue",outcome="published"}')) ?? 0;
  const reach = async (items: number) => {
    const probe = async (): Promise<number | false> => {
      const done = await published();
      return done >= items && done;
    };
    const done = await eventually(probe, { timeoutMs: TIMEOUT_MS, what: `${items} items to be published` });
    return { done: done, at: performance.now(), cpu: cpuSeconds(daemon.pid) };
  };
  const first = await reach(1);
  const last = await reach(count);
  const peakMiB = memory.stop();
  await daemon.stop();
  const items = last.done - first.done;
  return {
    perSecond: (items / (last.at - first.at)) * 1000,
    cpuSecondsPerMillion: ((last.cpu - first.cpu) / items) * 1_000_000,
    peakMiB,
  };
};
