import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { connectKafka } from '../../src/clients/kafka/connect.ts';
import { Daemon } from '../support/daemon.ts';
import { lastRecords, readTopic } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';

describe('a source whose topic depends on the key', () => {
  let server: RedisServer;
  let redis: Redis;
  let daemon: Daemon | undefined;
  let prefix: string;

  const start = async (source: object): Promise<Daemon> => {
    daemon = await Daemon.create({
      redis: { url: server.url },
      kafka: { brokers: inject('kafkaBrokers') },
      sources: [{ name: 'all', canaryEvery: '1s', partitions: 1, ...source }],
    });
    await daemon.start();
    return daemon;
  };
  const isGone = async (topic: string, key: string): Promise<boolean | undefined> => {
    const record = (await lastRecords(inject('kafkaBrokers'), topic)).get(key);
    return record && record.value === null;
  };

  beforeEach(async () => {
    prefix = `t-${crypto.randomUUID()}`;
    server = await (await stackProvider()).startRedis();
    redis = new Redis(server.url);
  });
  afterEach(async () => {
    await daemon?.dispose();
    redis.disconnect();
    await server.kill();
  });

  it('(I1) puts tombstones where keys were last that had changed their types, without a state store', async () => {
    const running = await start({ topic: `${prefix}.{type}` });
    await running.settled();
    // Each topic is the first one of one key, and the last one of the other.
    await redis.set('to-hash', 'v');
    await redis.hset('to-string', 'f', 'v');
    await running.settled();
    await redis.multi().del('to-hash', 'to-string').hset('to-hash', 'f', 'v').set('to-string', 'v').exec();
    await running.settled();
    expect(await isGone(`${prefix}.hash`, 'to-hash')).toBe(false);
    expect(await isGone(`${prefix}.string`, 'to-string')).toBe(false);
    await running.stop();
    await running.loseState();
    await redis.del('to-hash', 'to-string');
    await running.start();
    await running.settled();
    for (const topic of [`${prefix}.hash`, `${prefix}.string`])
      for (const key of ['to-hash', 'to-string']) expect(await isGone(topic, key), `${key} on ${topic}`).toBe(true);
  });

  it('leaves alone what others wrote to topics that it could name', async () => {
    const kafka = connectKafka({ client: 'platformatic', brokers: inject('kafkaBrokers'), clientId: 'somebody' });
    const admin = kafka.admin();
    await admin.create({ name: prefix, partitions: 1, config: {} });
    const producer = await kafka.producer();
    const theirs = { topic: prefix, key: Buffer.from(`${prefix}:1`), value: Buffer.from('theirs'), headers: new Map() };
    await producer.send([theirs]);
    await Promise.all([producer.close(), admin.close()]);
    const running = await start({ topic: '{1}', include: [`${prefix}:*`] });
    await redis.set(`${prefix}:2`, 'ours');
    await running.settled();
    const records = await readTopic(inject('kafkaBrokers'), prefix);
    expect(records.map(({ key }) => key)).toEqual([`${prefix}:1`, `${prefix}:2`]);
  });
});
