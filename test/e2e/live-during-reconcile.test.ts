import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { expect, inject, it } from 'vitest';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { readTopic } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';

const KEYS = 400_000;
/** What a reconcile may have queued, sent and read ahead when a live change comes: a tenth of what it has to publish. */
const AHEAD = KEYS / 10;

it('carries live changes ahead of a running reconcile: they do not wait for its keys', async () => {
  const brokers = inject('kafkaBrokers');
  const topic = `live-${crypto.randomUUID()}`;
  const server = await (await stackProvider()).startRedis({ debug: true });
  const redis = new Redis(server.url);
  await redis.call('DEBUG', 'POPULATE', KEYS);
  const daemon = await Daemon.create({
    redis: { url: server.url },
    kafka: { brokers: [...brokers] },
    sources: [{ name: 'all', topic, partitions: 1 }],
  });
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const endOffset = async (): Promise<number> => Number((await admin.fetchTopicOffsets(topic))[0]?.high ?? 0);
  await daemon.start();

  const published = (): Promise<number> => daemon.metric('keyferry_source_records_total').catch(() => 0);
  await eventually(async () => (await published()) > KEYS / 20, { what: 'the snapshot to be under way' });
  const writtenAt: number[] = [];
  for (let live = 0; live < 5; live += 1) {
    writtenAt.push(await endOffset());
    await redis.set(`live:${live}`, live);
  }
  await daemon.settled();

  const records = await readTopic(brokers, topic);
  const offsetOf = new Map(records.map(({ key, offset }) => [key, Number(offset)]));
  for (const [live, at] of writtenAt.entries()) {
    // The reconcile had more than that before it, or this would prove nothing.
    expect(KEYS - at).toBeGreaterThan(2 * AHEAD);
    expect((offsetOf.get(`live:${live}`) ?? Infinity) - at).toBeLessThan(AHEAD);
  }
  await admin.disconnect();
  await daemon.dispose();
  redis.disconnect();
  await server.kill();
});
