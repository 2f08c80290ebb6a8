import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { connect, newTopic, produce, record } from '../contract/kafka-fixture.ts';
import { Daemon } from '../support/daemon.ts';
import { makeUser } from '../support/documented-redis-rules.ts';
import { eventually } from '../support/eventually.ts';
import { divergence, readTopic } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';
import { ClusterFixture } from './cluster-fixture.ts';

/** So many that every master has some of them. */
const COUNT = 30;
const topicName = (): string => `cluster-acl-${randomUUID()}`;
const keysOf = (prefix: string): readonly string[] => Array.from({ length: COUNT }, (_, n) => `${prefix}:${n}`);

describe('in a cluster, with the documented rules and no others', () => {
  const fixture = new ClusterFixture({ replicas: 0 });
  let masters: readonly Redis[];
  let daemon: Daemon | undefined;
  const brokers = inject('kafkaBrokers');

  /** On every server: users are not the cluster's. Gives how it connects. */
  const user = async (name: string, features: readonly string[], keys: readonly string[]): Promise<object> => {
    const names = { key: keys, db: ['0'] };
    for (const master of masters) await makeUser(master, { name, features: [...features, 'In a cluster'], names });
    return { url: `redis://${name}:geheim@unused`, topology: 'cluster', nodes: fixture.servers.seeds };
  };

  const start = async (config: object): Promise<Daemon> => {
    daemon = await Daemon.create({ kafka: { brokers: [...brokers] }, rest: { enabled: false }, ...config });
    await daemon.start();
    return daemon;
  };

  const published = (topic: string, count: number): Promise<unknown> =>
    eventually(async () => (await readTopic(brokers, topic)).length === count, { what: `${count} records` });

  const refused = (): Promise<readonly unknown[]> => Promise.all(masters.map((master) => master.call('ACL', 'LOG')));
  const NOTHING = [[], [], []];

  beforeEach(async () => {
    masters = fixture.servers.nodes.map(({ host, port }) => new Redis(port, host));
    for (const master of masters) await master.call('ACL', 'LOG', 'RESET');
  });
  afterEach(async () => {
    await daemon?.dispose();
    for (const master of masters) {
      await master.flushall();
      master.disconnect();
    }
  });

  test('a source of keys mirrors every master, and is refused nothing', async () => {
    const topic = topicName();
    const redis = await user('keys', ['A keyspace source', 'A keyspace source that manages notifications'], ['app:*']);
    for (let n = 0; n < 300; n += 1) await fixture.redis.set(`app:${n}`, n);
    const source = await start({ redis, sources: [{ name: 'all', topic, include: ['app:*'], canaryEvery: '1s' }] });
    await source.settled();
    for (let n = 0; n < 300; n += 3) await fixture.redis.del(`app:${n}`);
    await eventually(async () => (await divergence(masters, brokers, topic)).length === 0, {
      what: 'the topic to equal Redis',
    });
    expect(await refused()).toEqual(NOTHING);
  });

  test('a source of streams reads and trims those of every master', async () => {
    const topic = topicName();
    const features = ['A stream source', 'A stream source with globs', 'A stream source that trims'];
    const redis = await user('streams', features, ['orders:*']);
    for (const key of keysOf('orders')) await fixture.redis.xadd(key, '1-1', 'f', 'v');
    const source = { name: 's', type: 'stream', keys: ['orders:*'], topic, trim: 'acknowledged' };
    await start({ redis, sources: [source] });
    await published(topic, COUNT);
    for (const key of keysOf('orders')) await fixture.redis.xadd(key, '2-1', 'f', 'v');
    await published(topic, 2 * COUNT);
    await eventually(async () => (await fixture.redis.xlen('orders:0')) < 2, { what: 'a stream to be trimmed' });
    expect(await refused()).toEqual(NOTHING);
  });

  test('a source of lists takes the items of every master', async () => {
    const topic = topicName();
    const keys = keysOf('jobs');
    const redis = await user('lists', ['A list source'], keys);
    for (const key of keys) await fixture.redis.lpush(key, 'one', 'two');
    const source = await start({ redis, sources: [{ name: 'l', type: 'list', keys, topic }] });
    await published(topic, 2 * COUNT);
    expect(await source.stop()).toBe(0);
    expect(await refused()).toEqual(NOTHING);
  });

  test('sinks write to every master', async () => {
    const kafka = connect('platformatic', [...brokers]);
    const topic = await newTopic(kafka);
    await produce(
      kafka,
      keysOf('k').map((key) => record(topic, key, '"v"')),
    );
    const redis = await user('sinks', ['A sink as string', 'A sink as list'], ['string:*', 'list:*']);
    const written = { topics: [topic], format: 'json' };
    const sinks = ['string', 'list'].map((as) => ({
      ...written,
      ...{ name: as, as, key: `${as}:{key}`, group: `${topic}-${as}` },
    }));
    await start({ redis, sinks });
    const names = [...keysOf('string:k'), ...keysOf('list:k')];
    const areThere = async (): Promise<boolean> =>
      (await Promise.all(names.map((key) => fixture.redis.exists(key)))).every((count) => count === 1);
    await eventually(areThere, { what: 'all to be written' });
    expect(await refused()).toEqual(NOTHING);
  });

  test('Redis REST serves every master, beside a sink elsewhere', async () => {
    const kafka = connect('platformatic', [...brokers]);
    const topic = await newTopic(kafka);
    const elsewhere = await (await stackProvider()).startRedis();
    const sinks = [{ name: 'elsewhere', topics: [topic], group: topic, redis: { url: elsewhere.url } }];
    const redis = await user('rest', ['Redis REST', 'Reading through'], ['k:*']);
    const { port } = await start({ redis, sinks, rest: { enabled: true } });
    const post = async (path: string, commands: readonly unknown[]): Promise<unknown> => {
      const body = JSON.stringify(commands);
      return (await fetch(`http://127.0.0.1:${port}/redis${path}`, { method: 'POST', body })).json();
    };
    const sets = keysOf('k').map((key) => ['SET', key, key]);
    const expected = sets.map(() => ({ result: 'OK' }));
    const areServed = async (): Promise<boolean> => isDeepStrictEqual(await post('/pipeline', sets), expected);
    await eventually(areServed, { what: 'all masters to be served' });
    const gets = keysOf('k').map((key) => post('/multi-exec', [['GET', key]]));
    expect(await Promise.all(gets)).toEqual(keysOf('k').map((key) => [{ result: key }]));
    expect(await refused()).toEqual(NOTHING);
    await elsewhere.kill();
  });
});
