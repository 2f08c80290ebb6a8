import { join } from 'node:path';
import { eventually } from '../../../test/support/eventually.ts';
import type { RedisServer } from '../../../test/support/stack.ts';
import { startBare } from '../bare.ts';
import type { Bench, Scenario } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { benchmarkWrites } from '../load.ts';
import { cpuSeconds, watchMemory } from '../proc.ts';
import { type Topic, createTopic } from '../topic.ts';

const ENTRIES = 1_000_000;
const STREAM = 'events';
const TIMEOUT_MS = 600_000;
/** An event of a customer, with 100 bytes of payload. */
const WRITE = ['XADD', STREAM, '*', 'customer', '__rand_int__', 'payload', 'x'.repeat(100)];

/** A stream that is full when the daemon starts; measured from the first entries published to the last one acknowledged. */
export const streams: Scenario = {
  id: 'f',
  title: 'entries/s of a stream source',
  run: async (bench) => {
    const { client, kafka, outside, provider } = bench;
    const redis = await provider.startRedis();
    const count = bench.scaled(ENTRIES);
    const writer = await benchmarkWrites(redis, WRITE, count);
    const topic = await createTopic(outside, `bench-stream-${Date.now()}`, { 'cleanup.policy': 'delete' });
    const carried = await carry(bench, redis, topic, count);
    const published = await topic.recordCount();
    await topic.close();
    const reader = await startBare('streamReader', { url: redis.url, stream: STREAM, count }).result;
    await redis.stop();
    const bareTopic = await createTopic(outside, `bench-bare-${Date.now()}`, { 'cleanup.policy': 'delete' });
    const task = { client, brokers: kafka.brokers, topic: bareTopic.name, count };
    const producer = await startBare('producer', task).result;
    await bareTopic.close();
    return [
      {
        scenario: 'f',
        what: `stream source, ${count} entries of 100 B`,
        value: carried.perSecond,
        unit: 'entries/s',
        limits: [
          { what: 'redis-benchmark XADD alone', value: writer, unit: 'entries/s' },
          { what: 'bare XREADGROUP', value: reader.perSecond, unit: 'entries/s' },
          { what: 'bare producer', value: producer.perSecond, unit: 'entries/s' },
        ],
      },
      {
        scenario: 'f',
        what: 'stream source, CPU',
        value: carried.cpuSecondsPerMillion,
        unit: 'CPU-s/million',
        limits: [
          { what: 'bare XREADGROUP', value: reader.cpuSecondsPerMillion, unit: 'CPU-s/million' },
          { what: 'bare producer', value: producer.cpuSecondsPerMillion, unit: 'CPU-s/million' },
        ],
      },
      { scenario: 'f', what: 'stream source, RssAnon, most', value: carried.peakMiB, unit: 'MiB', limits: [] },
      {
        scenario: 'f',
        what: 'stream source, lost',
        value: Math.max(0, count - published),
        unit: 'entries',
        target: { atMost: 0 },
        limits: [],
      },
    ];
  },
};

const carry = async ({ dir, kafka, client }: Bench, redis: RedisServer, topic: Topic, count: number) => {
  const daemon = await startDaemon(dir, 'stream', {
    redis: { url: redis.url },
    kafka: { brokers: kafka.brokers, client },
    sources: [{ name: 'events', type: 'stream', keys: [STREAM], topic: topic.name, recordKey: '{field:customer}' }],
    state: { path: join(dir, 'stream-state') },
  });
  const memory = watchMemory(daemon.pid);
  const published = async (): Promise<number> =>
    (await daemon.metric('keyferry_stream_entries_total{source="events",outcome="published"}')) ?? 0;
  const reach = async (entries: number) => {
    const probe = async (): Promise<number | false> => {
      const done = await published();
      return done >= entries && done;
    };
    const done = await eventually(probe, { timeoutMs: TIMEOUT_MS, what: `${entries} entries to be published` });
    return { done: done, at: performance.now(), cpu: cpuSeconds(daemon.pid) };
  };
  const first = await reach(1);
  const last = await reach(count);
  const peakMiB = memory.stop();
  await daemon.stop();
  const entries = last.done - first.done;
  return {
    perSecond: (entries / (last.at - first.at)) * 1000,
    cpuSecondsPerMillion: ((last.cpu - first.cpu) / entries) * 1_000_000,
    peakMiB,
  };
};
