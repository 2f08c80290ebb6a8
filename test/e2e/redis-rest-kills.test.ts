import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { divergence, readTopic } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';

const WRITERS = 8;
const KILLS = 3;
/** Acknowledged writes between two kills. */
const WRITES_PER_LIFE = 150;

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await (await stackProvider()).startRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.kill();
});

const startDaemon = async (topic: string): Promise<Daemon> => {
  const daemon = await Daemon.create({
    redis: { url: server.url },
    kafka: { brokers: [...inject('kafkaBrokers')] },
    sources: [{ name: 'keys', topic, partitions: 3 }],
  });
  onTestFinished(() => daemon.dispose());
  await daemon.start();
  await daemon.withoutGap();
  return daemon;
};

interface Claim {
  readonly key: string;
  readonly value: string;
  /** topic/partition@offset */
  readonly place: string;
}

/** One write of a key of its own. @returns undefined where Keyferry did not say that Kafka has it. */
const write = async (daemon: Daemon, key: string): Promise<Claim | undefined> => {
  const value = randomUUID();
  try {
    const response = await daemon.fetch('/redis', {
      method: 'POST',
      headers: { 'keyferry-ack': 'kafka' },
      body: JSON.stringify(['SET', key, value]),
    });
    await response.text();
    const place = /^([^;]+);key=/.exec(response.headers.get('keyferry-records') ?? '')?.[1];
    return response.status === 200 && place !== undefined ? { key, value, place } : undefined;
  } catch {
    return undefined;
  }
};

const isThere = async (daemon: Daemon): Promise<boolean> => (await daemon.get('/livez')).ok;

test('what was acknowledged stands where the answer said, whenever the daemon is killed', async () => {
  const topic = `rest-kills-${randomUUID()}`;
  const daemon = await startDaemon(topic);
  const claims: Claim[] = [];
  const stopping = new AbortController();
  let tried = 0;
  const writer = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      tried += 1;
      const claim = await write(daemon, `key:${tried}`);
      if (claim !== undefined) claims.push(claim);
      else await eventually(() => isThere(daemon), { what: 'the daemon to be back', timeoutMs: 180_000 });
    }
  };
  const writers = Array.from({ length: WRITERS }, writer);
  for (let lives = 1; lives <= KILLS + 1; lives += 1) {
    const enough = (): boolean => claims.length >= lives * WRITES_PER_LIFE;
    await eventually(enough, { timeoutMs: 180_000, what: 'acknowledged writes' });
    if (lives > KILLS) break;
    await daemon.kill();
    await daemon.start();
  }
  stopping.abort();
  await Promise.all(writers);
  await daemon.settled();

  const records = await readTopic(inject('kafkaBrokers'), topic);
  const byPlace = new Map(records.map((record) => [`${topic}/${record.partition}@${record.offset}`, record]));
  const found = claims.map(({ place }) => {
    const record = byPlace.get(place);
    return { key: record?.key, value: (JSON.parse(String(record?.value)) as { value: unknown }).value, place };
  });
  expect(found).toEqual(claims);
  // What was written and not acknowledged has come to the topic nevertheless.
  expect(tried).toBeGreaterThan(claims.length);
  expect(await divergence(redis, inject('kafkaBrokers'), topic)).toEqual([]);
});
