import { readFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Daemon } from '../support/daemon.ts';
import { lastRecords } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';

const KEYS = 1_000_000;
const BOUND_BYTES = 256 * 1024 * 1024;
const SAMPLES = 2_000;
const SAMPLE_EVERY_MS = 50;

/** Anonymous resident memory: heap, buffers, stacks; not the mapped file of the state store. */
const anonymousBytes = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
};

describe.skipIf(platform() !== 'linux')('memory', () => {
  it(`stays under its bound with Kafka away and ${KEYS} distinct keys written, and converges afterwards (I9)`, async () => {
    const provider = await stackProvider();
    const [server, kafka] = await Promise.all([provider.startRedis(), provider.startKafka()]);
    const redis = new Redis(server.url);
    const topic = 'memory';
    const daemon = await Daemon.create({
      redis: { url: server.url },
      kafka: { brokers: [...kafka.brokers] },
      sources: [{ name: 'all', topic }],
      log: { level: 'info' },
    });
    onTestFinished(async () => {
      await daemon.dispose();
      redis.disconnect();
    });
    await daemon.start();
    await daemon.settled();
    const pid = daemon.pid ?? 0;
    const idle = await anonymousBytes(pid);
    let most = idle;
    // All the while: the most may come when Kafka is back, and everything is read and published.
    const sampling = setInterval(() => {
      void anonymousBytes(pid).then((bytes) => (most = Math.max(most, bytes)));
    }, SAMPLE_EVERY_MS);
    onTestFinished(() => {
      clearInterval(sampling);
    });

    await kafka.kill();
    for (let from = 0; from < KEYS; from += 10_000) {
      const writes = redis.pipeline();
      for (let n = from; n < from + 10_000; n += 1) writes.set(`key:${n}`, `value of key ${n}`.padEnd(100, '.'));
      await writes.exec();
    }
    await kafka.start();
    await daemon.settled(240_000);
    clearInterval(sampling);
    expect((most - idle) / 1024 / 1024).toBeLessThan(BOUND_BYTES / 1024 / 1024);

    const records = await lastRecords(kafka.brokers, topic);
    expect(records.size).toBe(KEYS);
    for (let n = 0; n < KEYS; n += KEYS / SAMPLES) {
      const { value } = JSON.parse(String(records.get(`key:${n}`)?.value)) as { value: string };
      expect(value).toBe(await redis.get(`key:${n}`));
    }
  });
});
