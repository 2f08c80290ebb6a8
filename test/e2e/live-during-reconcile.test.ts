import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { expect, inject, it, onTestFinished } from 'vitest';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { readTopic } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';

const KEYS = 400_000;
/** What a reconcile may have queued, sent and read ahead when a live change comes: a tenth of what it has to publish. */
const AHEAD = KEYS / 10;
const LIVE = ['live:0', 'live:1', 'live:2', 'live:3', 'live:4'];
const ATTEMPTS = 5;

/** A daemon that stands still in the middle of its first reconcile, and how far it is; where we were too slow, another one. */
const startReconcile = async (redisUrl: string) => {
  const brokers = inject('kafkaBrokers');
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  onTestFinished(() => admin.disconnect());
  for (let attempt = 1; ; attempt += 1) {
    const topic = `live-${crypto.randomUUID()}`;
    const daemon = await Daemon.create({
      redis: { url: redisUrl },
      kafka: { brokers: [...brokers] },
      sources: [{ name: 'all', topic, partitions: 1 }],
    });
    onTestFinished(() => daemon.dispose());
    await daemon.start();
    const published = (): Promise<number> => daemon.metric('keyferry_source_records_total').catch(() => 0);
    await eventually(async () => (await published()) > KEYS / 20, { what: 'the snapshot to be under way' });
    daemon.freeze();
    const end = Number((await admin.fetchTopicOffsets(topic))[0]?.high ?? 0);
    // Else it would prove nothing that what comes now is ahead of the rest.
    if (KEYS - end > 2 * AHEAD) return { daemon, topic, end };
    if (attempt === ATTEMPTS) throw new Error('every snapshot had ended, or nearly so, when it was looked at');
    await daemon.dispose();
  }
};

it('carries live changes ahead of a running reconcile: they do not wait for its keys', async () => {
  const server = await (await stackProvider()).startRedis({ debug: true });
  const redis = new Redis(server.url);
  onTestFinished(async () => {
    redis.disconnect();
    await server.kill();
  });
  await redis.call('DEBUG', 'POPULATE', KEYS);
  const { daemon, topic, end } = await startReconcile(server.url);
  await redis.mset(Object.fromEntries(LIVE.map((key) => [key, key])));
  daemon.thaw();
  await daemon.settled();

  const records = await readTopic(inject('kafkaBrokers'), topic);
  const offsetOf = new Map(records.map(({ key, offset }) => [key, Number(offset)]));
  expect(offsetOf.size).toBe(KEYS + LIVE.length);
  for (const key of LIVE) expect((offsetOf.get(key) ?? Infinity) - end).toBeLessThan(AHEAD);
});
