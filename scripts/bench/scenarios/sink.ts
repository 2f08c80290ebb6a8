import { join } from 'node:path';
import { Redis } from 'ioredis';
import { eventually } from '../../../test/support/eventually.ts';
import { startBare } from '../bare.ts';
import type { Scenario } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { writeString, benchmarkWrites } from '../load.ts';
import type { MillionKeys } from '../million-keys.ts';
import { cpuSeconds } from '../proc.ts';

const MIN_SETS_PER_SECOND = 60_000;
const TIMEOUT_MS = 600_000;

/** Applies the topic of the million keys to an empty Redis; measured from the first key there to the last. */
export const sink = (millionKeys: MillionKeys): Scenario => ({
  id: 'd',
  title: 'SETs/s of a sink',
  run: async (bench) => {
    const { mirror, loaded } = await millionKeys.get(bench);
    const { kafka, client } = bench;
    const target = await bench.provider.startRedis();
    const writer = await benchmarkWrites(target, writeString(0), loaded.keys);
    const redis = new Redis(target.url);
    await redis.flushall();

    const group = `${mirror.topic.name}-sink`;
    const daemon = await startDaemon(bench.dir, 'sink', {
      redis: { url: target.url },
      kafka: { brokers: kafka.brokers, client },
      sinks: [{ name: 'sink', topics: [mirror.topic.name], group }],
      state: { path: join(bench.dir, 'sink-state') },
    });
    // Whatever the daemon keeps for itself there does not count.
    const first = await eventually(
      async () => {
        const keys = await redis.dbsize();
        if (keys <= 10) throw new Error('no record was applied yet');
        return { keys, at: performance.now(), cpu: cpuSeconds(daemon.pid) };
      },
      { timeoutMs: TIMEOUT_MS, what: 'the first keys' },
    );
    await eventually(async () => (await redis.dbsize()) >= loaded.keys, {
      timeoutMs: TIMEOUT_MS,
      what: 'the last keys',
    });
    const seconds = (performance.now() - first.at) / 1000;
    const applied = loaded.keys - first.keys;
    const cpu = cpuSeconds(daemon.pid) - first.cpu;
    await daemon.stop();
    redis.disconnect();
    await target.stop();

    const task = { client, brokers: kafka.brokers, topic: mirror.topic.name, count: loaded.keys };
    const consumer = await startBare('consumer', task).result;
    return [
      {
        scenario: 'd',
        what: `sink, ${loaded.keys} strings of 100 B`,
        value: applied / seconds,
        unit: 'SETs/s',
        target: { atLeast: MIN_SETS_PER_SECOND },
        limits: [
          { what: 'redis-benchmark alone', value: writer, unit: 'SETs/s' },
          { what: 'bare consumer', value: consumer.perSecond, unit: 'SETs/s' },
        ],
      },
      {
        scenario: 'd',
        what: 'sink, CPU',
        value: (cpu / applied) * 1_000_000,
        unit: 'CPU-s/million',
        limits: [{ what: 'bare consumer', value: consumer.cpuSecondsPerMillion, unit: 'CPU-s/million' }],
      },
    ];
  },
});
