import { isDeepStrictEqual } from 'node:util';
import { Cluster, Redis } from 'ioredis';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { slotOf } from '../../src/clients/redis/cluster/slots.ts';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { divergence, lastRecords } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';
import { type ClusterServer, RedisCluster } from '../support/redis-cluster.ts';

/** The first of three masters has the slots below it. */
const FIRST_THIRD = 5_461;
/** One each second of each master: by then one that did not come back, in 5 s, would have been missed. */
const CANARIES_OF_7_S = 21;

/**
 * What one master loses, or stops to tell, is a gap of its own: once that is closed the topic holds what Redis holds (I3), and
 * the others were left in peace.
 */
describe('of one master in a cluster', () => {
  const brokers = inject('kafkaBrokers');
  let servers: RedisCluster;
  let cluster: Cluster;
  let daemon: Daemon;
  let topic: string;

  const startServers = async (options: Parameters<typeof RedisCluster.start>[1] = {}): Promise<void> => {
    servers = await RedisCluster.start(await stackProvider(), options);
    cluster = new Cluster(servers.nodes.map(({ host, port }) => ({ host, port })));
    cluster.on('error', () => undefined);
  };

  const startDaemon = async (options: { redis?: object; source?: object } = {}): Promise<void> => {
    topic = `cluster-losses-${crypto.randomUUID()}`;
    daemon = await Daemon.create({
      redis: { topology: 'cluster', nodes: servers.seeds, ...options.redis },
      kafka: { brokers: [...brokers] },
      sources: [{ name: 'all', topic, canaryEvery: '1s', partitions: 3, ...options.source }],
    });
    await daemon.start();
    await daemon.settled();
  };

  afterEach(async () => {
    await daemon.dispose();
    cluster.disconnect();
    await servers.kill();
  });

  const isOfFirst = (key: string): boolean => slotOf(Buffer.from(key)) < FIRST_THIRD;

  const keysNamed = (prefix: string, count: number): readonly string[] =>
    Array.from({ length: count }, (_, n) => `${prefix}:${n}`);

  const scopeOf = ({ host, port }: ClusterServer): string => `all ${host}:${port}`;

  /** Newest first. */
  const gapsClosed = async (): Promise<readonly { readonly cause: string; readonly scope: string }[]> => {
    const [source] = (await daemon.status()).sources;
    return source?.databases.flatMap((database) => database.gapsClosed) ?? [];
  };

  const scopesOf = async (cause: string): Promise<readonly string[]> => {
    const gaps = (await gapsClosed()).filter((gap) => gap.cause === cause);
    return [...new Set(gaps.map(({ scope }) => scope))].toSorted();
  };

  /** The feed of a new master is up, and what its predecessor's end may have hidden was looked for. */
  const isFollowed = async ({ host, port }: ClusterServer): Promise<void> => {
    await eventually(
      async () => {
        const [source] = (await daemon.status()).sources;
        return source?.masters?.some(({ address, feed }) => address === `${host}:${port}` && feed === 'up') ?? false;
      },
      { what: 'the feed of the new master', timeoutMs: 180_000 },
    );
    await daemon.settled();
  };

  /** Value by key, as their last records have them; null: a tombstone. */
  const valuesOnTopic = async (keys: readonly string[]): Promise<Readonly<Record<string, unknown>>> => {
    const records = await lastRecords(brokers, topic);
    const valueOf = (key: string): unknown => {
      const value = records.get(key)?.value;
      return value == null ? value : (JSON.parse(value.toString()) as { readonly value: unknown }).value;
    };
    return Object.fromEntries(keys.map((key) => [key, valueOf(key)]));
  };

  const expectTopicToEqual = async (masters: readonly ClusterServer[]): Promise<void> => {
    const all = masters.map(({ url }) => new Redis(url));
    try {
      expect(await divergence(all, brokers, topic)).toEqual([]);
    } finally {
      for (const redis of all) redis.disconnect();
    }
  };

  it('writes that no replica had are lost in a failover: the topic goes back with Redis', async () => {
    // However old its data: the replica may take over.
    await startServers({ args: ['--cluster-replica-validity-factor', '0'] });
    const [lost, heir] = [servers.node(0), servers.node(3)];
    const [same = [], changed = [], gone = [], added = []] = ['same', 'changed', 'gone', 'added'].map((prefix) =>
      keysNamed(prefix, 120).filter(isOfFirst),
    );
    const all = [...same, ...changed, ...gone, ...added];
    const states = (of: (keys: readonly string[]) => unknown): Readonly<Record<string, unknown>> =>
      Object.fromEntries([same, changed, gone, added].flatMap((keys) => keys.map((key) => [key, of(keys)])));
    for (const key of [...same, ...changed, ...gone]) await lost.admin.call('SET', key, 'replicated');
    expect(await lost.admin.call('WAIT', 1, 60_000)).toBe(1);
    await startDaemon();

    await heir.freeze();
    // What is under way to a frozen replica would wait for it in the buffers between the two, and it would have it after all.
    expect(await lost.admin.call('CLIENT', 'KILL', 'TYPE', 'replica')).toBe(1);
    for (const key of [...changed, ...added]) await lost.admin.call('SET', key, 'lost');
    for (const key of gone) await lost.admin.call('DEL', key);
    const written = states((keys) => (keys === same ? 'replicated' : keys === gone ? null : 'lost'));
    await eventually(async () => isDeepStrictEqual(await valuesOnTopic(all), written), { what: 'the writes to come' });
    await lost.kill();
    await heir.thaw();
    await isFollowed(heir);

    expect(await valuesOnTopic(all)).toEqual(states((keys) => (keys === added ? null : 'replicated')));
    await expectTopicToEqual([heir, servers.node(1), servers.node(2)]);
  });

  it("a failover is a gap of its slots: the others' keys are not looked at again", async () => {
    await startServers();
    const keys = keysNamed('key', 900);
    await Promise.all(keys.map((key) => cluster.set(key, 'value')));
    // A canary that is late on a busy machine would be a gap, and rightly so; here it is the failover alone that is looked at.
    await startDaemon({ source: { canaryEvery: '1h' } });
    const touches = (): Promise<number> =>
      daemon.metric('keyferry_source_touches_total{source="all",cause="reconcile"}');
    const [touchesBefore, gapsBefore] = [await touches(), (await gapsClosed()).length];
    const [lost, heir] = [servers.node(0), servers.node(3)];

    await lost.kill();
    await isFollowed(heir);

    const gaps = (await gapsClosed()).slice(0, -gapsBefore);
    expect(gaps).toContainEqual(expect.objectContaining({ cause: 'master-changed', scope: scopeOf(heir) }));
    expect(gaps.filter(({ scope }) => scope !== scopeOf(lost) && scope !== scopeOf(heir))).toEqual([]);
    const again = (await touches()) - touchesBefore;
    expect(again).toBeGreaterThanOrEqual(keys.filter(isOfFirst).length);
    expect(again).toBeLessThan(keys.length / 2);
  });

  it('FLUSHALL is seen at once: its keys get tombstones that say so, and no others', async () => {
    await startServers({ replicas: 0 });
    const keys = keysNamed('key', 600);
    await Promise.all(keys.map((key) => cluster.set(key, 'value')));
    await startDaemon();
    const flushed = servers.node(0);

    await flushed.admin.call('FLUSHALL');
    await eventually(async () => (await scopesOf('flush')).includes(scopeOf(flushed)), {
      what: 'the gap to be closed',
    });

    expect(await scopesOf('flush')).toEqual([scopeOf(flushed)]);
    const records = await lastRecords(brokers, topic);
    const tombstones = keys.filter((key) => records.get(key)?.value === null);
    expect(tombstones).toEqual(keys.filter(isOfFirst));
    expect(new Set(tombstones.map((key) => records.get(key)?.headers['kf-op']))).toEqual(new Set(['flushed']));
    await expectTopicToEqual(servers.nodes);
  });

  it('notifications that stop without a word are missed by its own canary', async () => {
    await startServers({ replicas: 0 });
    // CONFIG would tell of the flags: without it only the canary does.
    for (const { admin } of servers.nodes) {
      await admin.call('ACL', 'SETUSER', 'keyferry', 'on', '>geheim', '~*', '&*', '+@all', '-config');
    }
    await startDaemon({
      redis: { url: 'redis://keyferry:geheim@unused' },
      source: { notifications: 'require' },
    });
    await eventually(
      async () => (await daemon.metric('keyferry_source_canary_seconds_count{source="all"}')) >= CANARIES_OF_7_S,
      { what: 'canaries to come', timeoutMs: 120_000 },
    );
    expect(await scopesOf('canary-missing')).toEqual([]);

    const missed: string[] = [];
    for (const node of servers.nodes) {
      await node.admin.call('CONFIG', 'SET', 'notify-keyspace-events', '');
      const unseen = await writeTo(node);
      missed.push(scopeOf(node));
      await eventually(async () => (await scopesOf('canary-missing')).includes(scopeOf(node)), {
        what: 'the canary to be missed',
        timeoutMs: 120_000,
      });
      expect(await scopesOf('canary-missing')).toEqual(missed.toSorted());
      expect(await valuesOnTopic([unseen])).toEqual({ [unseen]: 'unseen' });
      await node.admin.call('CONFIG', 'SET', 'notify-keyspace-events', 'AE');
    }
    await daemon.settled();
    await expectTopicToEqual(servers.nodes);
  });

  /** @returns a key of that master. */
  const writeTo = async (node: ClusterServer): Promise<string> => {
    for (const key of keysNamed('unseen', 100)) {
      if ((await servers.ownerOf(key)) !== node) continue;
      await node.admin.call('SET', key, 'unseen');
      return key;
    }
    throw new Error('no key is of that master');
  };
});
