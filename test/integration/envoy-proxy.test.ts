import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type Proxy, startProxy } from '../support/envoy-proxy.ts';
import { eventually } from '../support/eventually.ts';
import { keyIn } from '../support/redis-cluster.ts';
import { Workplace } from '../support/workplace.ts';
import { ClusterFixture } from './cluster-fixture.ts';

/** envoy.yaml of the manifest that docs/proxy.md shows. */
const documentedConfig = (): string => {
  const manifest = readFileSync(join(import.meta.dirname, '../../docs/examples/envoy/sidecar.yaml'), 'utf8');
  return String(parseAllDocuments(manifest)[0]?.getIn(['data', 'envoy.yaml']));
};

/** A key of each master, as slots are dealt out at the start. */
const KEYS = [keyIn(0), keyIn(6_000), keyIn(12_000)] as const;

describe('an application that talks to Envoy beside it', () => {
  const cluster = new ClusterFixture();
  const workplace = new Workplace();
  let proxy: Proxy;

  beforeAll(async () => {
    // One node is enough to find the others by.
    proxy = await startProxy(workplace, { config: documentedConfig(), nodes: cluster.servers.seeds.slice(-1) });
  });
  afterAll(() => workplace.close());

  test('needs to know of no cluster: each command goes to the master that has the key', async () => {
    const redis = proxy.connect();
    const many = Array.from({ length: 100 }, (_, n) => `many:${n}`);
    await redis.mset(...many.flatMap((key) => [key, `is ${key}`]));
    expect(await redis.mget(...many)).toEqual(many.map((key) => `is ${key}`));
    expect(await Promise.all(many.map((key) => cluster.redis.get(key)))).toEqual(many.map((key) => `is ${key}`));
  });

  test('keeps its connection while a master is killed, and writes to the one that takes over', async () => {
    const redis = proxy.connect();
    const writeAll = async (value: string): Promise<void> => {
      for (const key of KEYS) await redis.set(key, value);
    };
    await writeAll('before');
    const { owner } = await cluster.placesOf(0);

    await owner.kill();
    await eventually(() => writeAll('after').then(() => true), { what: 'writes to all masters', timeoutMs: 60_000 });
    expect(await Promise.all(KEYS.map((key) => cluster.redis.get(key)))).toEqual(KEYS.map(() => 'after'));

    await owner.start();
    await cluster.agree();
    await writeAll('with its old master as a replica');
    expect(await redis.get(KEYS[0])).toBe('with its old master as a replica');
    expect(redis.status).toBe('ready');
  });

  test('is carried along while slots move', async () => {
    const redis = proxy.connect();
    const before = await cluster.placesOf(6_000);
    await redis.set(KEYS[1], 'here');
    await cluster.moveSlotsOf([KEYS[1]]);
    expect((await cluster.placesOf(6_000)).owner).not.toBe(before.owner);
    expect(await redis.append(KEYS[1], ', then there')).toBe('here, then there'.length);
    expect(await cluster.redis.get(KEYS[1])).toBe('here, then there');
  });

  test('cannot wait for a key or a channel through it, and is told so', async () => {
    const redis = proxy.connect();
    await expect(redis.call('BRPOP', 'celery', 1)).rejects.toThrow("unknown command 'BRPOP'");
    await expect(redis.call('SUBSCRIBE', 'news')).rejects.toThrow("unknown command 'SUBSCRIBE'");
    await expect(redis.call('XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 'orders', '>')).rejects.toThrow(
      "unknown command 'XREADGROUP'",
    );
  });

  test('shows its metrics to all, and of its admin interface nothing else', async () => {
    const redis = proxy.connect();
    await redis.get(KEYS[0]);
    const metrics = async (): Promise<string> => (await proxy.ask('/stats/prometheus')).text;
    expect(await metrics()).toMatch(/^envoy_redis_command_get_total\{[^}]*\} [1-9]/m);
    const allAreWell = /^envoy_cluster_membership_healthy\{envoy_cluster_name="redis"\} 6$/m;
    await eventually(async () => allAreWell.test(await metrics()), { what: 'six nodes to be well' });
    for (const path of ['/', '/config_dump', '/clusters', '/stats'])
      expect([path, (await proxy.ask(path)).status]).toEqual([path, 404]);
    expect((await proxy.ask('/quitquitquit', 'POST')).status).toBe(404);
    expect((await proxy.ask('/ready', 'POST')).status).toBe(404);
  });

  test('counts as unwell once no node answers, as a restart would ask DNS again for where they are', async () => {
    const { nodes } = cluster.servers;
    const becomes = (status: number) =>
      eventually(async () => (await proxy.ask('/healthz')).status === status, { what: `/healthz to be ${status}` });
    await becomes(200);
    await Promise.all(nodes.map((node) => node.freeze()));
    try {
      await becomes(503);
    } finally {
      await Promise.all(nodes.map((node) => node.thaw()));
    }
    await becomes(200);
    const redis = proxy.connect();
    if (redis.status !== 'ready') await once(redis, 'ready');
    await eventually(() => redis.get(KEYS[0]), { what: 'a key to be read' });
  });
});
