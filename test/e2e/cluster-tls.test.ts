import { isDeepStrictEqual } from 'node:util';
import { Cluster, Redis } from 'ioredis';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { slotOf } from '../../src/clients/redis/cluster/slots.ts';
import { type TlsFiles, createAuthority } from '../support/certificates.ts';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { divergence, readTopic } from '../support/independent-reader.ts';
import { processProvider } from '../support/process-provider.ts';
import { pemOf } from '../support/readiness.ts';
import { type ClusterServer, RedisCluster } from '../support/redis-cluster.ts';
import { Workplace } from '../support/workplace.ts';

const KEYS = Array.from({ length: 1_500 }, (_, n) => `key:${n}`);
/** The first of three masters has the slots below 5,461. */
const MOVED_SLOTS = [...new Set(KEYS.map((key) => slotOf(Buffer.from(key))).filter((slot) => slot < 1_000))];
const PATIENCE_MS = 180_000;

/** Nodes, their bus and their replicas speak nothing but TLS, and want a certificate of whoever comes. */
describe('of a cluster that speaks TLS only', () => {
  const brokers = inject('kafkaBrokers');
  const topic = `cluster-tls-${crypto.randomUUID()}`;
  const workplace = new Workplace();
  const provider = processProvider();
  const cleanups: (() => unknown)[] = [() => provider.dispose(), () => workplace.close()];
  afterAll(async () => {
    for (const cleanUp of cleanups.toReversed()) await cleanUp();
  });

  const tlsFiles = async (): Promise<{ readonly theirs: TlsFiles; readonly ours: TlsFiles }> => {
    const authority = await createAuthority(workplace.path('ca'));
    const issue = async (name: string): Promise<TlsFiles> => ({
      caFile: authority.caFile,
      ...(await authority.issue(name)),
    });
    return { theirs: await issue('node'), ours: await issue('keyferry') };
  };

  const addressOf = ({ host, port }: ClusterServer): string => `${host}:${port}`;

  it('every key is mirrored, after slots were moved and a master was lost too', async () => {
    const { theirs, ours } = await tlsFiles();
    const servers = await RedisCluster.start(provider, { tls: theirs });
    cleanups.push(() => servers.kill());
    for (const { admin } of servers.nodes) {
      expect(String(await admin.call('CONFIG', 'GET', 'port'))).toBe('port,0');
    }
    const tls = pemOf(ours);
    const cluster = new Cluster(
      servers.nodes.map(({ host, port }) => ({ host, port })),
      { slotsRefreshInterval: 500, clusterRetryStrategy: () => 100, redisOptions: { maxRetriesPerRequest: 3, tls } },
    );
    cluster.on('error', () => undefined);
    cleanups.push(() => {
      cluster.disconnect();
    });
    const writeAll = async (value: string): Promise<void> => {
      // A cluster in trouble refuses for a while.
      const write = (key: string) =>
        eventually(() => cluster.set(key, value), { what: `${key} to be written`, timeoutMs: PATIENCE_MS });
      await Promise.all(KEYS.map(write));
    };

    await writeAll('before');
    const daemon = await Daemon.create({
      redis: { topology: 'cluster', nodes: servers.seeds, tls: { enabled: true, ...ours } },
      kafka: { brokers: [...brokers] },
      sources: [{ name: 'all', topic, canaryEvery: '1s', partitions: 3 }],
    });
    cleanups.push(() => daemon.dispose());
    await daemon.start();
    /** @returns those that are masters now, once there are three and the daemon follows just these. */
    const followed = (): Promise<readonly ClusterServer[]> =>
      eventually(
        async () => {
          const masters = await servers.masters();
          const [source] = (await daemon.status()).sources;
          const up = (source?.masters ?? []).filter(({ feed }) => feed === 'up').map(({ address }) => address);
          const isSo = masters.length === 3 && isDeepStrictEqual(up.toSorted(), masters.map(addressOf).toSorted());
          return isSo && masters;
        },
        { what: 'a feed of each of three masters', timeoutMs: PATIENCE_MS },
      );
    const expectTopicToEqualRedis = async (): Promise<void> => {
      const masters = await followed();
      await daemon.settled();
      const all = masters.map(({ host, port }) => new Redis({ host, port, tls }));
      try {
        await eventually(
          async () => {
            const differences = await divergence(all, brokers, topic);
            if (differences.length > 0) throw new Error(differences.slice(0, 5).join('\n'));
            return true;
          },
          { what: 'the topic to equal Redis', timeoutMs: PATIENCE_MS },
        );
        const sizes = await Promise.all(all.map((redis) => redis.dbsize()));
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThanOrEqual(KEYS.length);
        expect(Math.min(...sizes)).toBeGreaterThan(100);
      } finally {
        for (const redis of all) redis.disconnect();
      }
    };
    await expectTopicToEqualRedis();
    await writeAll('while nothing moves');
    await expectTopicToEqualRedis();

    const [lost, other] = [servers.node(0), servers.node(1)];
    await servers.move(MOVED_SLOTS, lost, other);
    await writeAll('moved');
    await expectTopicToEqualRedis();

    await lost.kill();
    expect(await followed()).toContain(servers.node(3));
    await writeAll('taken over');
    await expectTopicToEqualRedis();

    expect((await readTopic(brokers, topic)).filter(({ value }) => value === null)).toEqual([]);
    const { status, output } = await daemon.verify();
    expect(output).toMatch(/: 0 missing, 0 stale, 0 extra, 0 changing/);
    expect(status).toBe(0);
  });
});
