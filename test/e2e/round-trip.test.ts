import { isDeepStrictEqual } from 'node:util';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { divergence, expectedRecord, lastRecords, readTopic } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';
import { Workload } from '../support/workload.ts';

describe('from Redis over Kafka', () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  const startRedis = async (): Promise<{ server: RedisServer; redis: Redis }> => {
    const server = await (await stackProvider()).startRedis();
    const redis = new Redis(server.url, { maxRetriesPerRequest: null });
    ends.push(
      () => server.kill(),
      () => {
        redis.disconnect();
      },
    );
    return { server, redis };
  };
  const startDaemon = async (config: object): Promise<Daemon> => {
    const daemon = await Daemon.create({ kafka: { brokers: [...inject('kafkaBrokers')] }, ...config });
    ends.push(() => daemon.dispose());
    await daemon.start();
    return daemon;
  };
  /** Keys that differ between two servers, by what an independent reader sees. */
  const differences = async (one: Redis, two: Redis): Promise<readonly string[]> => {
    const names = new Set<string>();
    for (const redis of [one, two]) {
      for (const name of await redis.keysBuffer('*')) names.add(name.toString('latin1'));
    }
    const differing: string[] = [];
    for (const name of names) {
      if (name.startsWith('__keyferry__:')) continue;
      const key = Buffer.from(name, 'latin1');
      const [left, right] = await Promise.all([expectedRecord(one, key), expectedRecord(two, key)]);
      if (!isDeepStrictEqual(left, right)) differing.push(`${name}: ${JSON.stringify([left, right])}`);
    }
    return differing;
  };

  it.each(['json', 'dump'])('into another Redis every key arrives as it is, format %s', async (format) => {
    const [from, to] = await Promise.all([startRedis(), startRedis()]);
    const topic = `round-${crypto.randomUUID()}`;
    const workload = new Workload(from.redis);
    await workload.run(500);
    const daemon = await startDaemon({
      redis: { url: from.server.url },
      sources: [{ name: 'all', topic, format }],
      sinks: [{ name: 'copy', topics: [topic], group: topic, redis: { url: to.server.url } }],
    });
    await workload.run(3_000);
    await daemon.settled();
    await eventually(
      async () => {
        const found = await differences(from.redis, to.redis);
        if (found.length > 0) throw new Error(found.slice(0, 5).join('\n'));
        return true;
      },
      { what: 'the second Redis to equal the first' },
    );
    expect(await to.redis.dbsize()).toBeGreaterThan(100);
  });

  it('and back into the same Redis nothing changes, and nothing is published again (I7)', async () => {
    const { server, redis } = await startRedis();
    const topic = `loop-${crypto.randomUUID()}`;
    const daemon = await startDaemon({
      redis: { url: server.url },
      sources: [{ name: 'all', topic }],
      sinks: [{ name: 'back', topics: [topic], group: topic }],
    });
    const workload = new Workload(redis);
    await workload.run(1_000);
    await daemon.settled();
    // The last notifications may still be on their way.
    await eventually(async () => (await divergence(redis, inject('kafkaBrokers'), topic)).length === 0);
    const own = (): Promise<number> => daemon.metric('keyferry_sink_records_total{sink="back",outcome="own"}');
    // Keys may still expire by themselves; what comes round would be far more than that.
    const published = async (): Promise<number> =>
      (await readTopic(inject('kafkaBrokers'), topic)).filter(({ headers }) => headers['kf-op'] !== 'expired').length;
    const before = await published();
    await eventually(async () => (await own()) >= before, { what: 'the sink to have seen every record' });
    await daemon.settled();
    expect(await published()).toBe(before);
    expect(await daemon.metric('keyferry_sink_records_total{sink="back",outcome="applied"}')).toBe(0);
    // What expired a moment ago is gone in Redis before its tombstone is written.
    await eventually(async () => (await divergence(redis, inject('kafkaBrokers'), topic)).length === 0);
  });

  it('what was deleted and what expired while the daemon was down is said so on the topic', async () => {
    const { server, redis } = await startRedis();
    const topic = `down-${crypto.randomUUID()}`;
    const daemon = await startDaemon({ redis: { url: server.url }, sources: [{ name: 'all', topic }] });
    await redis.mset('kept', 1, 'deleted', 1, 'changed', 1);
    await daemon.settled();
    expect(await daemon.stop()).toBe(0);
    // For longer, where it had expired before the daemon was down again.
    for (let ttlMs = 5_000; (await redis.exists('expired')) === 0; ttlMs *= 3) {
      await daemon.start();
      await daemon.settled();
      await redis.set('expired', 1, 'PX', ttlMs);
      await daemon.settled();
      expect(await daemon.stop()).toBe(0);
    }
    await redis.del('deleted');
    await redis.set('changed', 2);
    await redis.set('new', 1);
    await eventually(async () => (await redis.exists('expired')) === 0, { timeoutMs: 300_000, what: 'it to expire' });
    const before = (await readTopic(inject('kafkaBrokers'), topic)).length;
    await daemon.start();
    await daemon.settled();
    const since = (await readTopic(inject('kafkaBrokers'), topic)).length - before;
    const records = await lastRecords(inject('kafkaBrokers'), topic);
    const ops = Object.fromEntries([...records].map(([name, { headers }]) => [name, headers['kf-op']]));
    expect(ops).toEqual({ kept: 'set', deleted: 'del', changed: 'set', expired: 'expired', new: 'set' });
    // Exactly what changed, and nothing else.
    expect(since).toBe(4);
  });

  it('a restart that finds notifications switched off switches them on and misses nothing', async () => {
    const { server, redis } = await startRedis();
    const topic = `off-${crypto.randomUUID()}`;
    const daemon = await startDaemon({ redis: { url: server.url }, sources: [{ name: 'all', topic }] });
    await redis.set('a', 1);
    await daemon.settled();
    await daemon.stop();
    await redis.config('SET', 'notify-keyspace-events', 'Kx');
    await redis.set('b', 1);
    await daemon.start();
    await daemon.settled();
    await redis.set('c', 1);
    await eventually(async () => (await lastRecords(inject('kafkaBrokers'), topic)).size === 3);
    const flags = ((await redis.config('GET', 'notify-keyspace-events')) as string[])[1] ?? '';
    expect(
      ['A', 'E', 'K'].every((flag) => flags.includes(flag)),
      `it adds to what was there: ${flags}`,
    ).toBe(true);
  });

  it('a record too large for the broker travels without its value, and blocks nothing', async () => {
    const { server, redis } = await startRedis();
    const topic = `large-${crypto.randomUUID()}`;
    const daemon = await startDaemon({
      redis: { url: server.url },
      sources: [{ name: 'all', topic, maxValueBytes: 5_000_000 }],
    });
    await daemon.settled();
    await redis.set('large', 'x'.repeat(2_000_000));
    await redis.mset(Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`small:${n}`, n])));
    await eventually(async () => (await lastRecords(inject('kafkaBrokers'), topic)).size === 101);
    const large = (await lastRecords(inject('kafkaBrokers'), topic)).get('large');
    expect(JSON.parse(String(large?.value))).toMatchObject({ type: 'string', omitted: true });
  });

  it('a key that takes long to read keeps none waiting that changed after it', async () => {
    const { server, redis } = await startRedis();
    const topic = `long-${crypto.randomUUID()}`;
    const source = { name: 'all', topic, partitions: 1, maxValueBytes: 100_000_000 };
    const daemon = await startDaemon({ redis: { url: server.url }, sources: [source] });
    for (let n = 0; n < 100; n += 1) await redis.rpush('list', ...Array.from({ length: 10_000 }, (_, at) => at));
    await daemon.settled();
    await redis.pipeline().copy('list', 'copy').set('small', 'v').exec();
    await daemon.settled();
    const records = (await readTopic(inject('kafkaBrokers'), topic)).map(({ key }) => key);
    expect(records.slice(-2)).toEqual(['small', 'copy']);
  });

  it('keys too big to travel stall no other key', async () => {
    const { server, redis } = await startRedis();
    const topic = `big-${crypto.randomUUID()}`;
    const daemon = await startDaemon({ redis: { url: server.url }, sources: [{ name: 'all', topic }] });
    await daemon.settled();
    await redis.set('string', 'x'.repeat(10_000_000));
    for (let n = 0; n < 100; n += 1) {
      await redis.hset(
        'hash',
        Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`field:${n}:${at}`, 'value'])),
      );
      await redis.rpush('list', ...Array.from({ length: 10_000 }, (_, at) => at));
      await redis.set(`small:${n}`, n);
    }
    await daemon.settled();
    const records = await lastRecords(inject('kafkaBrokers'), topic);
    for (const name of ['string', 'hash', 'list']) {
      expect(JSON.parse(String(records.get(name)?.value)), name).toMatchObject({ type: name, omitted: true });
    }
    expect([...records.keys()].filter((name) => name.startsWith('small:'))).toHaveLength(100);
  });
});
