import { join } from 'node:path';
import { eventually } from '../../test/support/eventually.ts';
import type { RedisServer } from '../../test/support/stack.ts';
import type { Bench } from './bench.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import { type Write, saturate } from './load.ts';
import { cpuSeconds, watchMemory } from './proc.ts';
import { type Topic, createTopic } from './topic.ts';

const DRAIN_TIMEOUT_MS = 600_000;

/** A Redis, a topic, and a daemon that mirrors the one to the other, all state on. */
export interface Mirror {
  readonly redis: RedisServer;
  readonly topic: Topic;
  daemon: Daemon;
  /** Stops the daemon, and starts it on what it had stored. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface LoadFigures {
  readonly keys: number;
  readonly lost: number;
  readonly perSecond: number;
  readonly cpuSecondsPerMillion: number;
  readonly peakMiB: number;
}

/** @param root of a clone that is built, for another daemon than this one */
export const startMirror = async (
  bench: Bench,
  name: string,
  {
    topicConfig = {},
    root,
  }: { readonly topicConfig?: Readonly<Record<string, string>>; readonly root?: string | undefined } = {},
): Promise<Mirror> => {
  const redis = await bench.provider.startRedis();
  const topic = await createTopic(bench.outside, `bench-${name}-${Date.now()}`, topicConfig);
  const config = {
    redis: { url: redis.url },
    kafka: { brokers: bench.kafka.brokers, client: bench.client },
    sources: [{ name, type: 'keyspace', databases: [0], topic: topic.name }],
    state: { path: join(bench.dir, `${name}-state`) },
  };
  const start = (): Promise<Daemon> => startDaemon(bench.dir, name, config, root);
  const mirror: Mirror = {
    redis,
    topic,
    daemon: await start(),
    restart: async () => {
      await mirror.daemon.stop();
      mirror.daemon = await start();
    },
    stop: async () => {
      await mirror.daemon.stop();
      await topic.close();
      await redis.stop();
    },
  };
  await settled(mirror, name);
  return mirror;
};

/** Resolves when every change seen is on the topic, and no gap is open. */
export const settled = async ({ daemon }: Pick<Mirror, 'daemon'>, source: string): Promise<void> => {
  const isZero = async (name: string): Promise<boolean> => (await daemon.metric(`${name}{source="${source}"}`)) === 0;
  await eventually(
    async () => (await isZero('keyferry_source_pending_keys')) && (await isZero('keyferry_source_gap_open')),
    { timeoutMs: DRAIN_TIMEOUT_MS, what: 'the mirror to settle' },
  );
};

/** Saturates a mirror, from the first write to the last record, then counts what is missing on the topic. */
export const load = async (
  mirror: Mirror,
  { name, write, count }: { readonly name: string; readonly write: Write; readonly count: number },
): Promise<LoadFigures> => {
  const { redis, topic, daemon } = mirror;
  const memory = watchMemory(daemon.pid);
  const cpu = cpuSeconds(daemon.pid);
  const start = performance.now();
  await saturate({ redis, write, count, published: () => topic.recordCount() });
  await settled(mirror, name);
  const seconds = (performance.now() - start) / 1000;
  const used = cpuSeconds(daemon.pid) - cpu;
  const peakMiB = memory.stop();
  const { keys, lost } = await topic.compare(redis.url);
  return { keys, lost, perSecond: keys / seconds, cpuSecondsPerMillion: (used / keys) * 1_000_000, peakMiB };
};
