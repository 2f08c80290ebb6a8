import { Kafka, logLevel } from 'kafkajs';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { stackProvider } from '../support/provider.ts';

describe('/readyz', () => {
  let daemon: Daemon;
  const reasons = async (): Promise<readonly string[]> =>
    ((await (await daemon.get('/readyz')).json()) as { reasons: readonly string[] }).reasons;
  const ready = (): Promise<unknown> =>
    eventually(async () => (await daemon.get('/readyz')).ok, { what: 'the daemon to be ready', timeoutMs: 120_000 });

  afterEach(async () => {
    await daemon.dispose();
  });

  it('says that Kafka is away although nothing is to be sent there', async () => {
    const provider = await stackProvider();
    const [redis, kafka] = await Promise.all([provider.startRedis(), provider.startKafka()]);
    daemon = await Daemon.create({
      redis: { url: redis.url },
      kafka: { brokers: [...kafka.brokers] },
      sources: [{ name: 'idle', topic: 'idle' }],
    });
    await daemon.start();
    await ready();
    await kafka.kill();
    await eventually(async () => (await reasons()).some((reason) => reason.startsWith('Kafka: ')), {
      what: 'Kafka to be missed',
      timeoutMs: 120_000,
    });
    await kafka.start();
    await ready();
    await redis.kill();
    await kafka.kill();
  });

  it('names Redis where it is away at the start, and where it goes while all runs, and not Kafka', async () => {
    const redis = await (await stackProvider()).startRedis();
    const topic = `ready-${crypto.randomUUID()}`;
    daemon = await Daemon.create({
      redis: { url: redis.url },
      kafka: { brokers: [...inject('kafkaBrokers')] },
      sources: [{ name: 'all', topic }],
      sinks: [{ name: 'copy', topics: [topic], group: topic }],
    });
    const missesRedis = async (...expected: readonly string[]): Promise<void> => {
      let found: readonly string[] = [];
      await eventually(
        async () => {
          found = await reasons();
          return (
            expected.every((each) => found.some((reason) => reason.startsWith(each))) &&
            !found.some((reason) => reason.includes('Kafka'))
          );
        },
        { what: 'Redis to be missed, and not Kafka', timeoutMs: 120_000 },
      ).catch((error: unknown) => {
        throw new Error(`found ${JSON.stringify(found)}`, { cause: error });
      });
      expect((await daemon.get('/readyz')).status).toBe(503);
      expect((await daemon.get('/livez')).status).toBe(200);
    };
    await redis.kill();
    await daemon.start();
    const address = `${redis.host}:${redis.port}`;
    await missesRedis(`source all: Redis at ${address} is away`, `sink copy: Redis at ${address} is away`);
    await redis.start();
    await ready();
    await eventually(async () => (await reasons()).length === 0, { what: 'no reason to be left' });
    await redis.kill();
    await missesRedis(
      `source all: the notification feed of Redis at ${address} is down`,
      'sink copy: Redis is away',
      'Redis REST: Redis is away',
    );
    await redis.start();
    await ready();
    await redis.kill();
  });

  it('names the topic that a sink waits for, and the sink goes on once somebody makes it', async () => {
    const redis = await (await stackProvider()).startRedis();
    const brokers = [...inject('kafkaBrokers')];
    const topic = `awaited-${crypto.randomUUID()}`;
    daemon = await Daemon.create({
      redis: { url: redis.url },
      kafka: { brokers },
      sinks: [{ name: 'waiting', topics: [topic], group: topic }],
    });
    await daemon.start();
    await eventually(async () => (await reasons()).some((reason) => reason.includes(topic)), {
      what: 'the topic to be missed',
    });
    const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic }], waitForLeaders: false });
    await admin.disconnect();
    await ready();
    await eventually(async () => (await daemon.status()).ready, { what: 'the status to say so' });
    await redis.kill();
  });
});
