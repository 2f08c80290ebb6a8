import { join } from 'node:path';
import { Redis } from 'ioredis';
import { eventually } from '../../../test/support/eventually.ts';
import { startBare } from '../bare.ts';
import type { Bench, Scenario } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { benchmarkWrites, writeString } from '../load.ts';
import { cpuSeconds } from '../proc.ts';
import type { Figure, Measured } from '../report.ts';
import { createTopic } from '../topic.ts';

const RECORDS = 1_000_000;
const MIN_RECORDS_PER_SECOND = 60_000;
const TIMEOUT_MS = 600_000;

/** How records are written, and how many of them have been. */
interface Kind {
  readonly what: string;
  readonly options: object;
  readonly written: (redis: Redis) => Promise<number>;
  readonly target?: Figure['target'];
}

const KINDS: readonly Kind[] = [
  {
    what: 'string',
    options: { format: 'string', as: 'string' },
    written: (redis) => redis.dbsize(),
    target: { atLeast: MIN_RECORDS_PER_SECOND },
  },
  { what: 'hash', options: { format: 'json', as: 'hash' }, written: (redis) => redis.dbsize() },
  { what: 'list', options: { format: 'string', as: 'list', key: 'queue' }, written: (redis) => redis.llen('queue') },
  { what: 'stream', options: { format: 'json', as: 'stream', key: 'log' }, written: (redis) => redis.xlen('log') },
];

/** Applies one topic of plain records as several types, each to an empty Redis. */
export const plainSink: Scenario = {
  id: 'g',
  title: 'records/s of plain sinks',
  run: async (bench) => {
    const { kafka, client } = bench;
    const topic = await createTopic(bench.outside, `bench-plain-${Date.now()}`, { 'cleanup.policy': 'delete' });
    const count = bench.scaled(RECORDS);
    const task = { client, brokers: kafka.brokers, topic: topic.name, count };
    await startBare('producer', task).result;
    await topic.close();
    const consumer = await startBare('consumer', task).result;
    const limits = [
      { what: 'redis-benchmark SET alone', value: await benchmark(bench, count), unit: 'records/s' },
      { what: 'bare consumer', value: consumer.perSecond, unit: 'records/s' },
    ];
    const figures: Figure[] = [];
    for (const kind of KINDS) figures.push(...(await measure(bench, kind, { topic: topic.name, count, limits })));
    return figures;
  },
};

const benchmark = async ({ provider }: Bench, count: number): Promise<number> => {
  const redis = await provider.startRedis();
  const perSecond = await benchmarkWrites(redis, writeString(0), count);
  await redis.stop();
  return perSecond;
};

/** From the first record that is there to the last, so that joining the group does not count. */
const measure = async (
  { kafka, client, provider, dir }: Bench,
  { what, options, written, target }: Kind,
  { topic, count, limits }: { readonly topic: string; readonly count: number; readonly limits: readonly Measured[] },
): Promise<readonly Figure[]> => {
  const server = await provider.startRedis();
  const redis = new Redis(server.url);
  const name = `plain-${what}`;
  const daemon = await startDaemon(dir, name, {
    redis: { url: server.url },
    kafka: { brokers: kafka.brokers, client },
    sinks: [{ name, topics: [topic], group: `${topic}-${what}`, ...options }],
    state: { path: join(dir, `${name}-state`) },
  });
  const wait = { timeoutMs: TIMEOUT_MS, what: `${what}: the records` };
  const first = await eventually(async () => {
    const records = await written(redis);
    // Keyferry's own keys are there a moment before.
    if (records <= 10) throw new Error('no record was applied yet');
    return { records, at: performance.now(), cpu: cpuSeconds(daemon.pid) };
  }, wait);
  await eventually(async () => (await written(redis)) >= count, wait);
  const seconds = (performance.now() - first.at) / 1000;
  const applied = count - first.records;
  const cpu = cpuSeconds(daemon.pid) - first.cpu;
  await daemon.stop();
  redis.disconnect();
  await server.stop();
  const perMillion = { scenario: 'g', what: `as ${what}, CPU`, unit: 'CPU-s/million', limits: [] };
  return [
    {
      ...{ scenario: 'g', what: `plain sink as ${what}`, value: applied / seconds, unit: 'records/s', limits },
      ...(target === undefined ? {} : { target }),
    },
    { ...perMillion, value: (cpu / applied) * 1_000_000 },
  ];
};
