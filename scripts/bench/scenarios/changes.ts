import { type BareResult, startBare } from '../bare.ts';
import type { Bench, Scenario } from '../bench.ts';
import { type Write, benchmarkWrites, saturate, writeHash, writeString } from '../load.ts';
import { type LoadFigures, load, startMirror } from '../mirror.ts';
import type { MillionKeys } from '../million-keys.ts';
import type { Figure } from '../report.ts';
import { createTopic } from '../topic.ts';

const MIN_CHANGES_PER_SECOND = 60_000;
const MAX_CPU_SECONDS = 15;
/** Of the bare mirror's, which ADR 11 holds them against. */
const MAX_CPU_TIMES = { strings: 1.5, hashes: 1.3 };
const HASHES = 500_000;
const LIMIT_COUNT = 1_000_000;
/** The writer may repeat itself once in a while: without some more than it waits for, the bare mirror would wait for ever. */
const MIRROR_COUNT = 500_000;
const SPARE = 50_000;

const NO_BUFFER_LIMIT = ['--client-output-buffer-limit', 'pubsub', '0', '0', '0'];

interface Limits {
  readonly writer: number;
  readonly subscriber: BareResult;
  readonly producer: BareResult;
  readonly mirror: BareResult;
}

/** A Redis without Keyferry: its writer alone, then the same with one subscriber that only counts. */
const redisLimits = async (bench: Bench, write: Write) => {
  const count = bench.scaled(LIMIT_COUNT);
  const redis = await bench.provider.startRedis({ args: ['--notify-keyspace-events', 'AE', ...NO_BUFFER_LIMIT] });
  const writer = await benchmarkWrites(redis, write(0), count);
  const subscriber = startBare('subscriber', { url: redis.url, count });
  await subscriber.ready;
  const [result] = await Promise.all([subscriber.result, benchmarkWrites(redis, write(0), count)]);
  await redis.stop();
  return { writer, subscriber: result };
};

const producerLimit = async (bench: Bench): Promise<BareResult> => {
  const { client, kafka, outside } = bench;
  const topic = await createTopic(outside, `bench-bare-${Date.now()}`);
  const count = bench.scaled(LIMIT_COUNT);
  const { result } = startBare('producer', { client, brokers: kafka.brokers, topic: topic.name, count });
  await topic.close();
  return result;
};

/** The same load for the least that a mirror can do; what it loses on its way nobody asks. */
const mirrorLimit = async (bench: Bench, write: Write): Promise<BareResult> => {
  const { client, kafka, outside } = bench;
  const redis = await bench.provider.startRedis({ args: ['--notify-keyspace-events', 'AE', ...NO_BUFFER_LIMIT] });
  const topic = await createTopic(outside, `bench-bare-mirror-${Date.now()}`);
  const count = bench.scaled(MIRROR_COUNT);
  const bare = startBare('mirror', { client, brokers: kafka.brokers, topic: topic.name, url: redis.url, count });
  await bare.ready;
  const [result] = await Promise.all([
    bare.result,
    saturate({ redis, write, count: count + SPARE, published: () => topic.recordCount() }),
  ]);
  await topic.close();
  await redis.stop();
  return result;
};

const limitsOf = async (bench: Bench, write: Write): Promise<Limits> => ({
  ...(await redisLimits(bench, write)),
  producer: await producerLimit(bench),
  mirror: await mirrorLimit(bench, write),
});

const figures = (
  { what, maxTimes }: { readonly what: string; readonly maxTimes: number },
  loaded: LoadFigures,
  { writer, subscriber, producer, mirror }: Limits,
): readonly Figure[] => [
  {
    scenario: 'a',
    what: `${what}, sustained`,
    value: loaded.perSecond,
    unit: 'changes/s',
    target: { atLeast: MIN_CHANGES_PER_SECOND },
    limits: [
      { what: 'redis-benchmark alone', value: writer, unit: 'changes/s' },
      { what: 'bare subscriber', value: subscriber.perSecond, unit: 'changes/s' },
      { what: 'bare producer', value: producer.perSecond, unit: 'changes/s' },
      { what: 'bare mirror', value: mirror.perSecond, unit: 'changes/s' },
    ],
  },
  {
    scenario: 'a',
    what: `${what}, CPU`,
    value: loaded.cpuSecondsPerMillion,
    unit: 'CPU-s/million',
    target: { atMost: MAX_CPU_SECONDS },
    limits: [
      { what: 'bare subscriber', value: subscriber.cpuSecondsPerMillion, unit: 'CPU-s/million' },
      { what: 'bare producer', value: producer.cpuSecondsPerMillion, unit: 'CPU-s/million' },
      { what: 'bare mirror', value: mirror.cpuSecondsPerMillion, unit: 'CPU-s/million' },
    ],
  },
  {
    scenario: 'a',
    what: `${what}, CPU beside the bare mirror's`,
    value: loaded.cpuSecondsPerMillion / mirror.cpuSecondsPerMillion,
    unit: 'times',
    target: { atMost: maxTimes },
    limits: [],
  },
  { scenario: 'a', what: `${what}, lost`, value: loaded.lost, unit: 'keys', target: { atMost: 0 }, limits: [] },
];

export const changes = (millionKeys: MillionKeys): Scenario => ({
  id: 'a',
  title: 'changes/s of a keyspace source: 100-byte strings',
  run: async (bench) => {
    const limits = await limitsOf(bench, writeString);
    const { loaded } = await millionKeys.get(bench);
    return figures({ what: 'strings of 100 B', maxTimes: MAX_CPU_TIMES.strings }, loaded, limits);
  },
});

export const hashChanges: Scenario = {
  id: 'a',
  title: 'changes/s of a keyspace source: hashes of 200 B to 1 kB',
  run: async (bench) => {
    const limits = await limitsOf(bench, writeHash);
    const mirror = await startMirror(bench, 'hashes');
    const loaded = await load(mirror, { name: 'hashes', write: writeHash, count: bench.scaled(HASHES) });
    await mirror.stop();
    return figures({ what: 'hashes of 200 B to 1 kB', maxTimes: MAX_CPU_TIMES.hashes }, loaded, limits);
  },
};
