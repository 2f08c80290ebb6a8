import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { parse } from 'yaml';
import { buildImage } from '../support/docker/docker.ts';
import { eventually } from '../support/eventually.ts';
import { pythonImage } from '../support/images/local-images.ts';
import { lastRecords } from '../support/independent-reader.ts';
import { Namespace, kubectl } from './kubernetes.ts';
import { loadedImage } from './loaded-image.ts';
import { Release, type Values } from './release.ts';

const EXAMPLE = join(import.meta.dirname, '../../docs/examples/celery');
const IMAGE = 'celery-example:latest';
const TASKS = 200;

const images = inject('images');
const brokers = inject('brokers');
const hasKeda = await kubectl(['get', 'crd', 'scaledobjects.keda.sh']).then(
  () => true,
  () => false,
);

/** docs/examples/celery, as its README tells it. */
describe.skipIf(!hasKeda)('Celery workers, scaled by their queue (needs KEDA)', () => {
  let namespace: Namespace;
  let release: Release;
  let redis: Redis;

  beforeAll(async () => {
    const image = await loadedImage(IMAGE, async () => {
      await pythonImage('python:3.13-slim');
      await buildImage(IMAGE, EXAMPLE);
      return IMAGE;
    });
    namespace = await Namespace.create('keyferry-celery');
    const values = parse(readFileSync(join(EXAMPLE, 'keyferry-values.yaml'), 'utf8')) as Values;
    release = new Release(namespace, images, values);
    await release.upgrade({ config: { kafka: { brokers } } });
    const password = await namespace.secret('keyferry-redis', 'redis-password');
    redis = new Redis({ host: await namespace.clusterIp('keyferry-redis'), password });
    const manifest = readFileSync(join(EXAMPLE, 'worker.yaml'), 'utf8').replaceAll(IMAGE, image);
    const [deployment = '', producer = ''] = manifest.split(/^---$/m);
    await namespace.apply(deployment);
    await workersAre('none, as the queue is empty', (count) => count === 0);
    await namespace.apply(producer);
  });

  afterAll(async () => {
    redis.disconnect();
    if (process.env['KEYFERRY_TEST_KEEP'] === undefined) await namespace.delete();
  });

  const workers = async (): Promise<number> => {
    const { spec } = await namespace.json<{ readonly spec: { readonly replicas: number } }>([
      'get',
      'deployment',
      'celery-worker',
    ]);
    return spec.replicas;
  };
  const workersAre = (what: string, holds: (count: number) => boolean): Promise<unknown> =>
    eventually(async () => holds(await workers()), { what: `workers to be ${what}`, timeoutMs: 300_000 });
  const done = async (): Promise<number> => (await redis.keys('thumbnail:*')).length;

  test('come as tasks wait, as many as the values allow', async () => {
    await workersAre('five', (count) => count === 5);
    expect(
      await namespace.kubectl(['get', 'scaledobject', 'celery-worker', '-o', 'jsonpath={.spec.maxReplicaCount}']),
    ).toBe('5');
  });

  test('do each task, also the one of a worker that is killed', async () => {
    await eventually(async () => (await done()) > 10, { what: 'the first tasks to be done', timeoutMs: 180_000 });
    const [victim] = await namespace.pods('app=celery-worker');
    await namespace.kubectl(['delete', 'pod', victim?.metadata.name ?? '', '--grace-period=0', '--force']);
    await eventually(async () => (await done()) === TASKS, { what: 'all tasks to be done', timeoutMs: 600_000 });
  });

  test('go once there is nothing in the queue and nothing in hand', async () => {
    await workersAre('none again', (count) => count === 0);
    expect([await redis.llen('celery'), await redis.hlen('unacked'), await done()]).toEqual([0, 0, TASKS]);
  });

  test('leave keys that Keyferry has carried to Kafka', async () => {
    await release.settled();
    const records = await lastRecords(brokers, 'thumbnails');
    expect([...records.keys()].filter((key) => key.startsWith('thumbnail:'))).toHaveLength(TASKS);
  });
});
