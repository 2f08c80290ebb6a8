import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { slotOf } from '../../src/clients/redis/cluster/slots.ts';
import { connectRedis } from '../../src/clients/redis/connect.ts';
import type { RedisConnection, RedisMaster, RedisTopology, SubscriptionHandler } from '../../src/clients/redis/port.ts';
import { eventually } from '../support/eventually.ts';
import { processProvider } from '../support/process-provider.ts';
import { type ClusterServer, RedisCluster, keyIn } from '../support/redis-cluster.ts';

const provider = processProvider();
let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await RedisCluster.start(provider);
});
afterAll(async () => {
  await cluster.kill();
  await provider.dispose();
});

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});
const keep = <T extends { close(): unknown }>(each: T): T => {
  open.push(each);
  return each;
};

const clientOf = () =>
  connectRedis({ url: 'redis://ignored', topology: 'cluster', nodes: cluster.seeds, name: 'keyferry' });

const watch = async (client = clientOf()): Promise<RedisTopology> => {
  const topology = keep(client.topology());
  await topology.ready();
  return topology;
};
const masterAt = ({ masters }: RedisTopology, { id }: ClusterServer): RedisMaster | undefined =>
  masters.find((master) => master.id === id);
const isMaster = (topology: RedisTopology, node: ClusterServer) =>
  eventually(() => (masterAt(topology, node)?.slots.length ?? 0) > 0, { what: `the node at ${node.port} as a master` });
const must = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('missing');
  return value;
};
const slotCount = ({ masters }: RedisTopology): number =>
  masters.flatMap(({ slots }) => slots).reduce((sum, { first, last }) => sum + last - first + 1, 0);

const recorder = () => {
  const seen: string[] = [];
  const handler: SubscriptionHandler = {
    onMessage: (channel, key) => seen.push(`${String(channel).replace(/^.*:/, '')} ${String(key)}`),
    onFlush: () => seen.push('flush'),
  };
  return { seen, handler };
};
const EVENTS = ['__keyevent@0__:*'];

/** A master and its replica, as they stand now. */
const pairOf = async (topology: RedisTopology, at: number): Promise<readonly [ClusterServer, ClusterServer]> => {
  const old = must(cluster.nodes.find(({ id }) => id === topology.masters[at]?.id));
  const replica = await eventually(
    async () => {
      const replicas = ((await old.admin.call('CLUSTER', 'REPLICAS', old.id)) as readonly Buffer[]).map(String);
      return must(cluster.nodes.find(({ id }) => replicas.some((line) => line.startsWith(id))));
    },
    { what: 'a replica' },
  );
  return [old, replica];
};

describe('the topology', () => {
  test('of a single server is one master with all slots', async () => {
    const alone = await provider.startRedis();
    const client = connectRedis({ url: alone.url, name: 'keyferry' });
    const topology = await watch(client);
    const [master] = topology.masters;
    expect(topology.masters).toEqual([
      { id: `${alone.host}:${alone.port}`, host: alone.host, port: alone.port, slots: [{ first: 0, last: 16383 }] },
    ]);
    const node = keep(client.connectNode(must(master), { db: 2, name: 'test' }));
    await node.ready();
    expect(String(await node.call('CLIENT', 'LIST'))).toMatch(/name=keyferry:test .* db=2 /);
    const { seen, handler } = recorder();
    await node.call('CONFIG', 'SET', 'notify-keyspace-events', 'AE');
    const subscription = keep(await client.subscribeNode(must(master), ['__keyevent@2__:*'], handler));
    await node.call('SET', 'key', 'x');
    await eventually(() => seen.length > 0, { what: 'the notification' });
    subscription.close();
    await node.close();
    await alone.kill();
  });

  test('of a cluster tells its masters and their slots; each is subscribed by itself', async () => {
    const client = clientOf();
    const topology = await watch(client);
    expect(topology.masters.map(({ port }) => port)).toEqual(cluster.nodes.slice(0, 3).map(({ port }) => port));
    expect(slotCount(topology)).toBe(16384);
    await expect(client.subscribe(EVENTS, recorder().handler)).rejects.toMatchObject({ code: 'KF_REDIS_REFUSED' });
    const redis = keep(client.connect({ db: 0, name: 'test' }));
    await redis.ready();
    for (const master of topology.masters) {
      const { seen, handler } = recorder();
      const subscription = keep(await client.subscribeNode(master, EVENTS, handler));
      expect(subscription.flushWatch).toBe(true);
      const own = keyIn(must(master.slots[0]).first);
      await redis.pipeline(topology.masters.map(({ slots }) => ['SET', keyIn(must(slots[0]).first), 'x']));
      await eventually(() => seen.length > 0, { what: 'the notification' });
      expect(seen).toEqual([`set ${own}`]);
    }
  });

  test('a failover with consent is noticed at once: the old master is hung up although it answers', async () => {
    const client = clientOf();
    const topology = await watch(client);
    const [old, replica] = await pairOf(topology, 0);
    const master = must(masterAt(topology, old));
    const node = keep(client.connectNode(master, { db: 0, name: 'test' }));
    await node.ready();
    const subscription = keep(await client.subscribeNode(master, EVENTS, recorder().handler));
    await cluster.failover(replica);
    expect(await subscription.lost).toContain('no longer the master');
    await isMaster(topology, replica);
    await expect(node.call('PING')).rejects.toMatchObject({ code: 'KF_REDIS_UNAVAILABLE' });
    await expect(client.subscribeNode(master, EVENTS, recorder().handler)).rejects.toMatchObject({
      code: 'KF_REDIS_UNAVAILABLE',
    });
    expect(String(await old.admin.call('PING'))).toBe('PONG');
    const next = must(masterAt(topology, replica));
    expect(next.slots).toEqual(master.slots);
    keep(await client.subscribeNode(next, EVENTS, recorder().handler));
    // Back again: the same connection is of use once more.
    await eventually(async () => String(await old.admin.call('INFO', 'replication')).includes('link_status:up'), {
      what: 'the old master to follow the new one',
    });
    await cluster.failover(old);
    await eventually(() => node.isReady, { what: 'the connection to the master that was' });
    await node.call('PING');
  });

  test('when a master is killed its replica takes over, and meanwhile the others go on', async () => {
    const client = clientOf();
    const topology = await watch(client);
    const redis = keep(client.connect({ db: 0, name: 'test' }));
    await redis.ready();
    const [old, replica] = await pairOf(topology, 0);
    const master = must(masterAt(topology, old));
    const key = keyIn(must(master.slots[0]).first);
    const elsewhere = keyIn(must(topology.masters[1]?.slots[0]).first);
    await eventually(() => redis.call('SET', key, 'x').then(() => redis.call('WAIT', 1, 1000)), { what: 'a copy' });
    const subscription = keep(await client.subscribeNode(master, EVENTS, recorder().handler));
    await old.kill();
    await subscription.lost;
    const [lost, other] = await redis.pipeline([
      ['GET', key],
      ['SET', elsewhere, 'y'],
    ]);
    expect(lost).toMatchObject({ code: 'KF_REDIS_UNAVAILABLE' });
    expect(String(other)).toBe('OK');
    const each = await redis.scriptEach(
      { lua: "return { redis.call('EXISTS', KEYS[1]) }", readOnly: true },
      { keys: [Buffer.from(key), Buffer.from(elsewhere)], args: [] },
    );
    expect(each).toMatchObject([{ code: 'KF_REDIS_UNAVAILABLE' }, 1]);
    await isMaster(topology, replica);
    await eventually(async () => String(await redis.call('GET', key)) === 'x', { what: 'the key at the new master' });
    expect(masterAt(topology, old)).toBeUndefined();
    await old.start();
    await eventually(() => old.admin.isReady, { what: 'the old node' });
    await cluster.isUp();
    expect(masterAt(topology, old)).toBeUndefined();
  });

  test('a master that was frozen while another took over is believed no more, although it says that it is one', async () => {
    const client = clientOf();
    const topology = await watch(client);
    const [old, replica] = await pairOf(topology, 1);
    const master = must(masterAt(topology, old));
    const subscription = keep(await client.subscribeNode(master, EVENTS, recorder().handler));
    await old.freeze();
    expect(await subscription.lost).toContain('no longer the master');
    await isMaster(topology, replica);
    const wrong: unknown[] = [];
    topology.onChange(() => {
      if ((masterAt(topology, old)?.slots.length ?? 0) > 0) wrong.push(topology.masters);
    });
    await old.thaw();
    await cluster.isUp();
    topology.refresh();
    await eventually(async () => String(await old.admin.call('ROLE')).startsWith('slave'), { what: 'it to give in' });
    expect(wrong).toEqual([]);
  });

  test('a master that is added is known before it has slots, tells of keys that are moved to it, and can go again', async () => {
    const client = clientOf();
    const topology = await watch(client);
    const changes: number[] = [];
    topology.onChange((masters) => changes.push(masters.length));
    const added = await cluster.addMaster();
    await eventually(() => masterAt(topology, added), { what: 'the added master' });
    expect(masterAt(topology, added)?.slots).toEqual([]);
    const { seen, handler } = recorder();
    keep(await client.subscribeNode(must(masterAt(topology, added)), EVENTS, handler));
    const redis: RedisConnection = keep(client.connect({ db: 0, name: 'test' }));
    await redis.ready();
    const key = '{moved}';
    await redis.call('SET', key, 'x');
    const owner = await cluster.ownerOf(key);
    const slot = slotOf(Buffer.from(key));
    await cluster.move([slot], owner, added);
    await eventually(() => seen.length > 0, { what: 'the notification of the move' });
    expect(seen[0]).toBe(`restore ${key}`);
    await eventually(() => masterAt(topology, added)?.slots.length === 1, { what: 'the slot at the added master' });
    expect(masterAt(topology, added)?.slots).toEqual([{ first: slot, last: slot }]);
    // Not every node has heard of it yet.
    await eventually(() => slotCount(topology) === 16384, { what: 'no slot to be missing, or there twice' });
    await cluster.move([slot], added, owner);
    await cluster.removeMaster(added);
    await eventually(() => masterAt(topology, added) === undefined, { what: 'the removed master to go' });
    expect(String(await redis.call('GET', key))).toBe('x');
    expect(changes.at(-1)).toBe(3);
  });
});
