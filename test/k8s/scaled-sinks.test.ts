import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { Namespace, kubectl } from './kubernetes.ts';
import { Release } from './release.ts';

const RECORDS = 5_000;
const TOPIC = 'profile-updates';
const PARTITIONS = 3;

const images = inject('images');
const brokers = inject('brokers');
const hasKeda = await kubectl(['get', 'crd', 'scaledobjects.keda.sh']).then(
  () => true,
  () => false,
);

/** docs/autoscaling.md: a release that has sinks only, down to none. */
describe.skipIf(!hasKeda)('sinks, scaled by what is behind (needs KEDA)', () => {
  const kafka = new Kafka({ brokers: [...brokers], clientId: 'test', logLevel: logLevel.NOTHING });
  let namespace: Namespace;
  let redis: Redis;

  beforeAll(async () => {
    namespace = await Namespace.create('keyferry-sinks');
    const server = ['--command', '--', 'redis-server', '--protected-mode', 'no', '--save', ''];
    await namespace.kubectl(['run', 'redis', `--image=${images.redis}`, '--port=6379', '--expose', ...server]);
    await namespace.kubectl(['wait', 'pod/redis', '--for=condition=Ready', '--timeout=600s']);
    redis = new Redis({ host: await namespace.clusterIp('redis') });
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }], waitForLeaders: false });
    await admin.disconnect();
    const release = new Release(namespace, images, {
      persistence: { enabled: false },
      config: {
        kafka: { brokers },
        redis: { url: 'redis://redis:6379' },
        sinks: [{ name: 'profiles', topics: [TOPIC], group: 'profiles', format: 'string' }],
      },
      autoscaling: { enabled: true, minReplicaCount: 0, pollingInterval: 5, cooldownPeriod: 20, lagThreshold: 100 },
    });
    await release.upgrade({}, { wait: false });
  });

  afterAll(async () => {
    redis.disconnect();
    if (process.env['KEYFERRY_TEST_KEEP'] === undefined) await namespace.delete();
  });

  const replicasAre = (what: string, holds: (count: number) => boolean): Promise<unknown> =>
    eventually(
      async () => {
        const args = ['get', 'statefulset', 'keyferry', '--output', 'jsonpath={.spec.replicas}'];
        return holds(Number(await namespace.kubectl(args)));
      },
      { what: `replicas to be ${what}`, timeoutMs: 300_000 },
    );

  test('are none while there is nothing to apply', async () => {
    await replicasAre('none', (count) => count === 0);
  });

  test('come once there is, no more than partitions, apply all of it, and go', async () => {
    const producer = kafka.producer();
    await producer.connect();
    const messages = Array.from({ length: RECORDS }, (_, n) => ({ key: `profile:${n}`, value: `is ${n}` }));
    const counts: number[] = [];
    const note = (line: string): void => void counts.push(Number(line));
    await namespace.watched(['statefulset', 'keyferry'], '{.object.spec.replicas}', note, async () => {
      // Nothing can be applied yet, so that what is behind calls for as many as there may be.
      await redis.client('PAUSE', 3_600_000, 'WRITE');
      await producer.send({ topic: TOPIC, messages });
      await producer.disconnect();
      await replicasAre('as many as partitions', (count) => count >= PARTITIONS);
      await redis.client('UNPAUSE');
      await eventually(async () => (await redis.dbsize()) >= RECORDS, { what: 'all records', timeoutMs: 300_000 });
      expect(await redis.get('profile:4999')).toBe('is 4999');
      await replicasAre('none again', (count) => count === 0);
    });
    expect(Math.max(...counts)).toBe(PARTITIONS);
  });
});
