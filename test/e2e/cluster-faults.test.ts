import { isDeepStrictEqual } from 'node:util';
import { Cluster, Redis } from 'ioredis';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { divergence, readTopic } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';
import { type ClusterServer, RedisCluster } from '../support/redis-cluster.ts';
import { slotOf } from '../../src/clients/redis/cluster/slots.ts';
import { Workload } from '../support/workload.ts';

/**
 * What clusters do, under write load, on real nodes. Afterwards, with no new writes, the topic's last records equal what
 * the masters hold, for every key, read by other means than Keyferry's own.
 */
describe('in a cluster the topic converges to what Redis holds (I1)', () => {
  const brokers = inject('kafkaBrokers');
  let servers: RedisCluster;
  let cluster: Cluster;
  let daemon: Daemon;
  let workload: Workload;
  let topic: string;

  const setUp = async (
    options: { masters?: number; replicas?: number; args?: readonly string[] } = {},
  ): Promise<void> => {
    topic = `cluster-${crypto.randomUUID()}`;
    servers = await RedisCluster.start(await stackProvider(), options);
    cluster = new Cluster(
      servers.nodes.map(({ host, port }) => ({ host, port })),
      { slotsRefreshInterval: 500, clusterRetryStrategy: () => 100, redisOptions: { maxRetriesPerRequest: 3 } },
    );
    cluster.on('error', () => undefined);
    workload = new Workload(cluster);
    daemon = await Daemon.create({
      redis: { topology: 'cluster', nodes: servers.seeds },
      kafka: { brokers: [...brokers] },
      sources: [{ name: 'all', topic, canaryEvery: '1s', partitions: 3 }],
    });
    await daemon.start();
  };

  const atMasters = async <T>(look: (all: readonly Redis[]) => Promise<T>): Promise<T> => {
    const all = (await servers.masters()).map(({ url }) => new Redis(url));
    try {
      return await look(all);
    } finally {
      for (const redis of all) redis.disconnect();
    }
  };

  /** A cluster in trouble refuses for a while. */
  const write = async (keys: readonly string[], value: string): Promise<void> => {
    for (const key of keys) await eventually(() => cluster.set(key, value), { what: `${key} to be written` });
  };

  const expectConvergence = async (): Promise<void> => {
    await workload.stop();
    await daemon.settled();
    await eventually(
      () =>
        atMasters(async (all) => {
          // What is to expire does so first: then nothing changes any more.
          for (const redis of all) if (/expires=[1-9]/.test(await redis.info('keyspace'))) return false;
          const differences = await divergence(all, brokers, topic);
          if (differences.length > 0) throw new Error(differences.slice(0, 5).join('\n'));
          return true;
        }),
      { what: 'the topic to equal Redis', timeoutMs: 120_000 },
    );
    // The command finds what the independent reader finds: nothing.
    const { status, output } = await daemon.verify();
    expect(output).toMatch(/: 0 missing, 0 stale, 0 extra, 0 changing/);
    expect(status).toBe(0);
    const sizes = await atMasters((all) => Promise.all(all.map((redis) => redis.dbsize())));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeGreaterThan(100);
  };

  const writesGoOn = async (count: number): Promise<void> => {
    const target = workload.writes + count;
    await eventually(() => workload.writes >= target, { what: 'writes to go on', timeoutMs: 180_000 });
  };

  const feeds = async (): Promise<readonly string[]> => {
    const [source] = (await daemon.status()).sources;
    return (source?.masters ?? []).filter(({ feed }) => feed === 'up').map(({ address }) => address);
  };

  const addressOf = ({ host, port }: ClusterServer): string => `${host}:${port}`;

  const gaps = (cause: string): Promise<number> =>
    daemon.metric(`keyferry_source_gaps_total{source="all",cause="${cause}"}`);

  afterEach(async () => {
    await workload.stop();
    await daemon.dispose();
    cluster.disconnect();
    await servers.kill();
  });

  it('with a subscription on every master', async () => {
    await setUp();
    await workload.run(3_000);
    await expectConvergence();
    const ofMasters = servers.nodes.slice(0, 3).map(addressOf).toSorted();
    await eventually(async () => isDeepStrictEqual((await feeds()).toSorted(), ofMasters), { what: 'a feed of each' });
  });

  it('a cluster of one master, which has all slots', async () => {
    // A node that has met no other does not know its address, and the test's own client needs it.
    await setUp({ masters: 1, replicas: 0, args: ['--cluster-announce-ip', '127.0.0.1'] });
    await workload.run(1_000);
    await daemon.settled();
    await daemon.stop();
    await workload.run(500);
    await daemon.start();
    await expectConvergence();
  });

  it('a master killed, its replica taking over', async () => {
    await setUp();
    workload.start();
    await daemon.withoutGap();
    await writesGoOn(2_000);
    await servers.node(0).kill();
    await eventually(async () => (await feeds()).includes(addressOf(servers.node(3))), {
      what: 'the feed of the new master',
      timeoutMs: 180_000,
    });
    await writesGoOn(2_000);
    await expectConvergence();
    expect(await gaps('master-changed')).toBe(1);
  });

  it('a master that hands over, and back', async () => {
    await setUp();
    workload.start();
    await daemon.withoutGap();
    for (const at of [3, 0]) {
      await writesGoOn(1_000);
      await servers.isUp();
      await servers.failover(servers.node(at));
    }
    await writesGoOn(1_000);
    await expectConvergence();
  });

  it('slots moved with their keys, both ways: no key that lives gets a tombstone', async () => {
    await setUp();
    const stable = Array.from({ length: 2_000 }, (_, n) => `stable:${n}`);
    await write(stable, 'still here');
    workload.start();
    await daemon.withoutGap();
    const [one, other] = [servers.node(0), servers.node(1)];
    const slots = [...new Set(stable.map((key) => slotOf(Buffer.from(key))))].filter((slot) => slot < 1_500);
    await servers.move(slots, one, other);
    await writesGoOn(500);
    await servers.move(slots, other, one);
    await writesGoOn(500);
    await expectConvergence();
    const records = (await readTopic(brokers, topic)).filter(({ key }) => key.startsWith('stable:'));
    expect(records.filter(({ value }) => value === null)).toEqual([]);
  });

  it('a master that joins, gets slots, gives them back and leaves', async () => {
    // Else a master that gave its last slot away would become a replica.
    await setUp({ replicas: 0, args: ['--cluster-allow-replica-migration', 'no'] });
    workload.start();
    await daemon.withoutGap();
    const joined = await servers.addMaster();
    await eventually(async () => (await feeds()).includes(addressOf(joined)), {
      what: 'the feed of the master that joined',
      timeoutMs: 120_000,
    });
    const slots = Array.from({ length: 200 }, (_, slot) => slot);
    await servers.move(slots, servers.node(0), joined);
    await writesGoOn(1_000);
    await servers.move(slots, joined, servers.node(0));
    await servers.removeMaster(joined);
    await writesGoOn(1_000);
    await expectConvergence();
  });

  it('a master that answers nothing for 30 s, its replica taking over meanwhile', async () => {
    await setUp();
    workload.start();
    await daemon.withoutGap();
    await writesGoOn(1_000);
    await servers.node(1).freeze();
    const backAt = performance.now() + 30_000;
    await eventually(() => performance.now() > backAt, { timeoutMs: 60_000, what: '30 s to pass under load' });
    await servers.node(1).thaw();
    await writesGoOn(1_000);
    await servers.isUp();
    await expectConvergence();
  });

  it('a master that is gone with nobody to take over: its gap stays open, the others go on', async () => {
    await setUp({ replicas: 0, args: ['--appendonly', 'yes', '--cluster-require-full-coverage', 'no'] });
    await workload.run(2_000);
    await daemon.settled();
    const lost = servers.node(2);
    await lost.kill();
    const isOpen = async (): Promise<boolean> => {
      const [source] = (await daemon.status()).sources;
      return (
        source?.databases.some(({ gapsOpen }) => gapsOpen.some(({ scope }) => scope.includes(addressOf(lost)))) ?? false
      );
    };
    await eventually(isOpen, { what: 'the gap of the lost master' });
    const published = await daemon.metric('keyferry_source_records_total{source="all",op="set"}');
    const keys = Array.from({ length: 300 }, (_, n) => `meanwhile:${n}`).filter(
      (key) => slotOf(Buffer.from(key)) < 10_000,
    );
    await write(keys, 'written while one master was away');
    await eventually(
      async () =>
        (await daemon.metric('keyferry_source_records_total{source="all",op="set"}')) >= published + keys.length,
      { what: "the other masters' changes to go on" },
    );
    expect(await isOpen()).toBe(true);
    expect((await daemon.get('/readyz')).status).toBe(503);
    await lost.start();
    await servers.isUp();
    await workload.run(500);
    await expectConvergence();
  });

  it('a restart while the master is away that has the id of the Redis: the others are not waited with', async () => {
    await setUp({ replicas: 0, args: ['--appendonly', 'yes', '--cluster-require-full-coverage', 'no'] });
    await workload.run(1_000);
    await daemon.settled();
    await daemon.stop();
    const at = Math.floor((slotOf(Buffer.from('__keyferry__:origin')) * servers.nodes.length) / 16_384);
    const lost = servers.node(at);
    await lost.kill();
    await daemon.start();
    const keys = Array.from({ length: 300 }, (_, n) => `meanwhile:${n}`).filter(
      (key) => Math.floor((slotOf(Buffer.from(key)) * servers.nodes.length) / 16_384) !== at,
    );
    await write(keys, 'written while one master was away');
    const onTopic = async (): Promise<readonly { readonly key: string; readonly headers: Record<string, string> }[]> =>
      (await readTopic(brokers, topic)).map(({ key, headers }) => ({ key, headers: { ...headers } }));
    await eventually(
      async () => {
        const published = new Set((await onTopic()).map(({ key }) => key));
        return keys.every((key) => published.has(key));
      },
      { what: "the other masters' keys", timeoutMs: 120_000 },
    );
    expect(daemon.output).toContain('the one remembered is used');
    await lost.start();
    await servers.isUp();
    await expectConvergence();
    expect(new Set((await onTopic()).map(({ headers }) => headers['kf-origin'])).size).toBe(1);
  });

  it('FLUSHALL of one master, and the daemon killed under load', async () => {
    await setUp({ replicas: 0 });
    workload.start();
    await daemon.withoutGap();
    await servers.node(0).admin.call('FLUSHALL');
    await writesGoOn(500);
    await daemon.kill();
    await writesGoOn(500);
    await daemon.start();
    await writesGoOn(1_000);
    await expectConvergence();
  });
});
