import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cluster } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { stringify } from 'yaml';
import { eventually } from '../support/eventually.ts';
import { envoyImage } from '../support/images/local-images.ts';
import { CONFINED, expectConfined } from './inside.ts';
import { Namespace, type Pod, helm } from './kubernetes.ts';
import { loadedImage } from './loaded-image.ts';
import { RedisPods } from './redis-pods.ts';
import { Release, imageValues } from './release.ts';

const ROOT = join(import.meta.dirname, '../..');
const KEYS = Array.from({ length: 20 }, (_, n) => `key:${n}`);

/** docs/examples/envoy/chart, in front of the Redis Cluster of a release. */
describe('an application with Envoy in its pod', () => {
  const images = inject('images');
  const dir = mkdtempSync(join(tmpdir(), 'keyferry-envoy-'));
  let namespace: Namespace;
  let pods: RedisPods;
  let cluster: Cluster;

  beforeAll(async () => {
    const envoy = await loadedImage('docker.io/envoyproxy/envoy:v1.40.0', () => envoyImage('envoyproxy/envoy:v1.40.0'));
    namespace = await Namespace.create('keyferry-envoy');
    const config = { kafka: { brokers: inject('brokers') }, sources: [{ name: 'all', topic: 'envoy' }] };
    const redis = { enabled: true, proxy: { enabled: true, image: imageValues(envoy) } };
    // Keyferry itself need not be ready: it has no part in this.
    await new Release(namespace, images, { config, redis }).upgrade({}, { wait: false });
    await namespace.rolledOut('statefulset/keyferry-redis');
    pods = await RedisPods.of(namespace);
    await pods.isWhole(3);
    cluster = await pods.cluster();
    // What Helm fetches as a dependency must not lie about in the repository.
    for (const part of ['helm/keyferry', 'docs/examples/envoy/chart'])
      cpSync(join(ROOT, part), join(dir, part), { recursive: true });
    const chart = join(dir, 'docs/examples/envoy/chart');
    await helm(['dependency', 'update', chart]);
    const only = ['--show-only', 'templates/deployment.yaml', '--values', '-'];
    const manifest = await namespace.helm(
      ['template', 'keyferry', chart, ...only],
      stringify({ keyferry: { config, redis } }),
    );
    await namespace.apply(manifest.replaceAll('redis:7.4.1', images.redis));
    await namespace.rolledOut('deployment/application');
  });

  afterAll(async () => {
    pods.close();
    rmSync(dir, { recursive: true });
    if (process.env['KEYFERRY_TEST_KEEP'] === undefined) await namespace.delete();
  });

  /** One command of the application, which talks to localhost. @throws where it is refused. */
  const command = async (...words: readonly string[]): Promise<string> => {
    const redisCli = ['redis-cli', '-e', '-p', '6000', ...words];
    return namespace.kubectl(['exec', 'deployment/application', '--container', 'application', '--', ...redisCli]);
  };
  const writeAll = async (value: string): Promise<void> => {
    for (const key of KEYS) expect(await command('SET', key, value)).toBe('OK');
  };
  const restartsOfEnvoy = async (): Promise<number | undefined> => {
    const [pod] = (await namespace.pods('app=application')) as readonly (Pod & {
      readonly status: { readonly initContainerStatuses: readonly { readonly restartCount: number }[] };
    })[];
    return pod?.status.initContainerStatuses[0]?.restartCount;
  };

  test('writes to a cluster that it knows nothing of, without its password', async () => {
    await writeAll('first');
    expect(await Promise.all(KEYS.map((key) => cluster.get(key)))).toEqual(KEYS.map(() => 'first'));
  });

  test('has it run without privileges, and write nothing', async () => {
    await expectConfined(namespace, 'deployment/application', CONFINED.envoy);
  });

  test('goes on writing after a master has died', async () => {
    const [master] = await pods.masters();
    await namespace.kubectl(['delete', 'pod', master?.pod.metadata.name ?? '', '--grace-period=0', '--force']);
    await eventually(() => writeAll('after').then(() => true), { what: 'writes to go on', timeoutMs: 300_000 });
    await pods.isWhole(3);
    expect(await Promise.all(KEYS.map((key) => cluster.get(key)))).toEqual(KEYS.map(() => 'after'));
    expect(await restartsOfEnvoy()).toBe(0);
  });
});
