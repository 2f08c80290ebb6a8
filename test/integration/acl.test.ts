import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Finding, runChecks } from '../../src/cli/checks/finding.ts';
import { REDIS_CHECKS } from '../../src/cli/checks/redis-checks.ts';
import { eventNeeds } from '../../src/cli/checks/event-needs.ts';
import { keyspaceNeeds } from '../../src/cli/checks/keyspace-needs.ts';
import { CONNECTION, type Need, restNeeds } from '../../src/cli/checks/redis-needs.ts';
import { sinkNeeds } from '../../src/cli/checks/sink-needs.ts';
import { connectKafka } from '../../src/clients/kafka/connect.ts';
import { connectRedis } from '../../src/clients/redis/connect.ts';
import { Daemon } from '../support/daemon.ts';
import { type Names, makeUser, rulesFor } from '../support/documented-redis-rules.ts';
import { eventually } from '../support/eventually.ts';
import { divergence, lastRecords, readTopic } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';

let server: RedisServer;
let redis: Redis;
beforeAll(async () => {
  server = await (await stackProvider()).startRedis();
  redis = new Redis(server.port, server.host);
});
afterAll(async () => {
  redis.disconnect();
  await server.kill();
});

const daemons: Daemon[] = [];
afterEach(async () => {
  await Promise.all(daemons.splice(0).map((daemon) => daemon.dispose()));
  await redis.flushall();
});

/** A user with the documented rules of these features, without those left out; gives its URL. */
const user = async (
  features: readonly string[],
  names: Names,
  { name = 'keyferry', without = '', on = server }: { name?: string; without?: string; on?: RedisServer } = {},
): Promise<string> => {
  const admin = new Redis(on.url);
  await makeUser(admin, { name, features, names, without });
  admin.disconnect();
  return `redis://${name}:geheim@${on.host}:${on.port}`;
};

const start = async (config: object): Promise<Daemon> => {
  const kafka = { brokers: inject('kafkaBrokers') };
  const daemon = await Daemon.create({ kafka, rest: { enabled: false }, ...config });
  daemons.push(daemon);
  await daemon.start();
  return daemon;
};

const ready = (daemon: Daemon): Promise<unknown> =>
  eventually(async () => (await daemon.get('/readyz')).status === 200, { what: 'the daemon to be ready' });

/** What Redis refused its users, by the log that it keeps of that. */
const refused = async (): Promise<readonly string[]> => {
  const entries = (await redis.call('ACL', 'LOG')) as string[][];
  await redis.call('ACL', 'LOG', 'RESET');
  return entries.map((entry) => `${entry[3] ?? ''} ${entry[7] ?? ''}`);
};

const topicName = (): string => `acl-${randomUUID()}`;
const published = (topic: string, count: number): Promise<unknown> =>
  eventually(async () => (await readTopic(inject('kafkaBrokers'), topic)).length === count, {
    what: `${count} records`,
  });

const KEYSPACE = ['A keyspace source', 'A keyspace source that manages notifications'];
const KEYSPACE_NAMES = { key: ['app:*'], db: ['0'] };
const STREAM = ['A stream source', 'A stream source with globs', 'A stream source that trims'];
const STREAM_NAMES = { key: ['orders:*'] };
const REST = ['Redis REST', 'Reading through'];
const REST_NAMES = { key: ['item:*'] };

describe('with the documented rules and no others', () => {
  test('a source of keys mirrors every type, small and large, and is refused nothing', async () => {
    const topic = topicName();
    await redis.config('SET', 'notify-keyspace-events', '');
    await redis.set('app:string', 'v', 'PX', 60_000);
    await redis.set('app:long', 'v'.repeat(5_000_000));
    await redis.hset('app:large', ...Array.from({ length: 20_000 }, (_, at) => String(at)));
    await redis.set('hidden', 'v');
    const source = { name: 'all', topic, include: ['app:*'], maxValueBytes: 800_000, canaryEvery: '1s' };
    const daemon = await start({ redis: { url: await user(KEYSPACE, KEYSPACE_NAMES) }, sources: [source] });
    await daemon.settled();
    await redis.hset('app:hash', 'f', 'v');
    await redis.rpush('app:list', 'a');
    await redis.sadd('app:set', 'a');
    await redis.zadd('app:zset', 1, 'a');
    await redis.xadd('app:stream', '1-1', 'f', 'v');
    await redis.xgroup('CREATE', 'app:stream', 'group', 0);
    await redis.del('app:string');
    await daemon.settled();
    await redis.del('hidden');
    await redis.del('app:long');
    await eventually(async () => (await divergence(redis, inject('kafkaBrokers'), topic)).length === 0);
    expect(await refused()).toEqual([]);
  });

  test('a key that the user may not read keeps none of the others waiting, and its gap stays open', async () => {
    const topic = topicName();
    const others = Array.from({ length: 1_000 }, (_, at) => `app:${at}`);
    await redis.mset(...[...others, 'hidden:1', 'hidden:2'].flatMap((key) => [key, 'v']));
    const source = { name: 'all', topic, include: ['*'], canaryEvery: '1s' };
    const daemon = await start({ redis: { url: await user(KEYSPACE, KEYSPACE_NAMES) }, sources: [source] });
    await published(topic, others.length);
    await redis.set('app:0', 'another');
    await published(topic, others.length + 1);
    const records = await readTopic(inject('kafkaBrokers'), topic);
    expect(new Set(records.map(({ key }) => key))).toEqual(new Set(others));
    const [status] = (await daemon.status()).sources;
    expect(status?.databases.flatMap(({ gapsOpen }) => gapsOpen)).not.toEqual([]);
    await refused();
  });

  test('a key that the user may not look at any more keeps no tombstone waiting', async () => {
    const topic = topicName();
    await redis.mset('app:0', 'v', 'app:1', 'v', 'hidden:1', 'v');
    const source = { name: 'all', topic, include: ['*'], canaryEvery: '1s' };
    const first = await start({ redis: { url: server.url }, sources: [source] });
    await published(topic, 3);
    await first.dispose();
    await redis.del('app:0');
    await start({ redis: { url: await user(KEYSPACE, KEYSPACE_NAMES) }, sources: [source] });
    await published(topic, 4);
    const last = await lastRecords(inject('kafkaBrokers'), topic);
    const values = ['app:0', 'app:1', 'hidden:1'].map((key) => last.get(key)?.value === null);
    expect(values).toEqual([true, false, false]);
    await refused();
  });

  test('a source of streams finds, reads, claims and trims them', async () => {
    const topic = topicName();
    const source = { name: 's', type: 'stream', keys: ['orders:*'], topic, recordKey: '{key}', discoverEvery: '1s' };
    await redis.xadd('orders:0', '1-1', 'f', 'v');
    await redis.xgroup('CREATE', 'orders:0', 'keyferry', 0);
    await redis.xreadgroup('GROUP', 'keyferry', 'dead', 'STREAMS', 'orders:0', '>');
    const daemon = await start({
      redis: { url: await user(STREAM, STREAM_NAMES) },
      sources: [{ ...source, trim: 'acknowledged', claimAfter: '1ms' }],
    });
    await ready(daemon);
    await redis.xadd('orders:1', '1-1', 'f', 'v');
    await published(topic, 2);
    await eventually(async () => (await redis.xlen('orders:0')) === 0, { what: 'the stream to be trimmed' });
    expect(await refused()).toEqual([]);
  });

  test('a source of lists takes their items', async () => {
    const topic = topicName();
    await redis.lpush('jobs', 'one', 'two');
    const url = await user(['A list source'], { key: ['jobs'] });
    const daemon = await start({ redis: { url }, sources: [{ name: 'l', type: 'list', keys: ['jobs'], topic }] });
    await published(topic, 2);
    await redis.lpush('jobs', 'three');
    await published(topic, 3);
    expect(await daemon.stop()).toBe(0);
    expect(await redis.exists('jobs')).toBe(0);
    expect(await refused()).toEqual([]);
  });

  test('sinks of all types write, let expire, trim, and delete', async () => {
    const sinks = [];
    const written = { key: 'to:{key}', format: 'json', expire: '1h' };
    for (const [as, more] of Object.entries({ string: {}, hash: {}, set: {}, zset: {}, list: {}, stream: {} })) {
      const features = [`A sink as ${as}`, 'A sink that lets keys expire'];
      if (as === 'list') features.push('A sink as list with a maxLength');
      const url = await user(features, { key: ['to:*'] }, { name: as });
      const maxLength = as === 'list' ? { maxLength: 10 } : {};
      sinks.push({ name: as, as, ...written, ...more, ...maxLength, redis: { url }, topics: [topicName()], group: as });
    }
    const values: Record<string, unknown> = { set: ['a'], zset: [['a', 1]], list: 'a' };
    await send(
      sinks.flatMap(({ as, topics }) => topics.map((topic) => ({ topic, key: as, value: values[as] ?? { f: 'v' } }))),
    );
    const daemon = await start({ sinks: sinks.map((sink) => ({ ...sink, group: `${sink.group}-${randomUUID()}` })) });
    const names = sinks.map(({ as }) => `to:${as}`);
    await eventually(async () => (await redis.exists(...names)) === names.length, { what: 'all to be written' });
    for (const name of names) expect(await redis.pttl(name)).toBeGreaterThan(0);
    await send(sinks.flatMap(({ as, topics }) => topics.map((topic) => ({ topic, key: as, value: null }))));
    await eventually(async () => (await redis.exists(...names)) === 2, { what: 'what is replaced to be deleted' });
    expect(await daemon.stop()).toBe(0);
    // The size of strings is asked for where that is allowed.
    expect(await refused()).toEqual([]);
  });

  test("a sink of Keyferry's records writes every type", async () => {
    const topic = topicName();
    const target = await (await stackProvider()).startRedis();
    const other = new Redis(target.url);
    try {
      await redis.set('app:string', 'v', 'PX', 60_000);
      await redis.hset('app:hash', 'f', 'v');
      await redis.rpush('app:list', 'a');
      await redis.sadd('app:set', 'a');
      await redis.zadd('app:zset', 1, 'a');
      await redis.xadd('app:stream', '1-1', 'f', 'v');
      await redis.xgroup('CREATE', 'app:stream', 'group', 0);
      const url = await user(["A sink of Keyferry's records"], { key: ['app:*'] }, { on: target });
      for (const format of ['json', 'dump']) {
        const copy = { name: `copy-${format}`, topics: [`${topic}-${format}`], group: `${topic}-${format}` };
        const daemon = await start({
          redis: { url: server.url },
          sources: [{ name: format, topic: `${topic}-${format}`, format }],
          sinks: [{ ...copy, redis: { url } }],
        });
        const keys = (): Promise<number> => other.exists(...TYPES.map((type) => `app:${type}`));
        await eventually(async () => (await keys()) === TYPES.length, { what: 'all to be copied' });
        await daemon.dispose();
        await other.del(...TYPES.map((type) => `app:${type}`));
      }
      expect(await other.call('ACL', 'LOG')).toEqual([]);
    } finally {
      other.disconnect();
      await target.kill();
    }
  });

  test('Redis REST serves commands, transactions and what is read through', async () => {
    const origin = createServer((_, response) => response.end('from afar')).listen(0, '127.0.0.1');
    await once(origin, 'listening');
    try {
      const { port } = origin.address() as AddressInfo;
      const url = await user(REST, REST_NAMES);
      await redis.call('ACL', 'SETUSER', 'keyferry', '+incr', '~n');
      const readThrough = [{ pattern: 'item:*', url: `http://127.0.0.1:${port}/{1}` }];
      const topic = topicName();
      await send([{ topic, key: 'x', value: null }]);
      // What else it runs is another user: else that one's rules would hide what those of REST lack.
      const sink = { name: 's', topics: [topic], group: topic, format: 'json', as: 'string', key: '{key}' };
      const sinks = [{ ...sink, redis: { url: server.url } }];
      const daemon = await start({ redis: { url }, sinks, rest: { enabled: true, readThrough } });
      await ready(daemon);
      const post = async (path: string, body: unknown): Promise<unknown> => {
        const answer = await fetch(`http://127.0.0.1:${daemon.port}/redis${path}`, {
          method: 'POST',
          body: JSON.stringify(body),
        });
        return answer.json();
      };
      const ping = async (): Promise<boolean> => isDeepStrictEqual(await post('', ['PING']), { result: 'PONG' });
      await eventually(ping, { what: 'Redis to be served' });
      expect(await post('', ['INCR', 'n'])).toEqual({ result: 1 });
      expect(
        await post('/multi-exec', [
          ['INCR', 'n'],
          ['INCR', 'n'],
        ]),
      ).toEqual([{ result: 2 }, { result: 3 }]);
      expect(await post('', ['GET', 'item:1'])).toEqual({ result: 'from afar' });
      expect(await refused()).toEqual([]);
      expect(await post('', ['GET', 'n:2'])).toEqual({ error: expect.stringContaining('NOPERM') as string });
    } finally {
      origin.close();
    }
  });
});

const TYPES = ['string', 'hash', 'list', 'set', 'zset', 'stream'];

const send = async (records: readonly { topic: string; key: string; value: unknown }[]): Promise<void> => {
  const driver = connectKafka({ client: 'platformatic', brokers: inject('kafkaBrokers'), clientId: 'acl-test' });
  const [admin, producer] = [driver.admin(), await driver.producer()];
  const existing = await admin.topics();
  for (const name of new Set(records.map(({ topic }) => topic)))
    if (!existing.includes(name)) await admin.create({ name, partitions: 1, config: {} });
  await producer.send(
    records.map(({ topic, key, value }) => ({
      topic,
      key: Buffer.from(key),
      value: value === null ? null : Buffer.from(JSON.stringify(value)),
      headers: new Map<string, Buffer>(),
    })),
  );
  await Promise.all([admin.close(), producer.close()]);
};

const KEYS = { include: ['app:*'] };
const STREAMS = { type: 'stream', keys: ['orders:*'], recordKey: '{key}' };
const LISTS = { type: 'list', keys: ['jobs'] };

describe('with one of the documented rules taken away', () => {
  // Redis 7.0 does not name what is denied to a script.
  test.each([
    ['A keyspace source', KEYSPACE, KEYSPACE_NAMES, '+psubscribe', /no permissions to run the 'psubscribe'/, KEYS],
    ['A stream source', STREAM, STREAM_NAMES, '+xreadgroup', /no permissions to run the 'xreadgroup'/, STREAMS],
    ['A list source', ['A list source'], { key: ['jobs'] }, '+lmove', /KF_REDIS_PERMISSION/, LISTS],
  ])('%s says so', async (_, features, names, without, words, source) => {
    await redis.lpush('jobs', 'one');
    await redis.xadd('orders:0', '1-1', 'f', 'v');
    const url = await user(features, names, { without });
    const daemon = await start({ redis: { url }, sources: [{ name: 'x', topic: topicName(), ...source }] });
    await eventually(() => words.test(daemon.output), { what: `${String(words)} in the log` });
  });

  test('a sink says so, and writes nothing', async () => {
    const url = await user(['A sink as hash'], { key: ['to:*'] }, { without: '+hset' });
    const topic = topicName();
    await send([{ topic, key: 'k', value: { f: 'v' } }]);
    const sink = { name: 'x', as: 'hash', format: 'json', key: 'to:{key}', topics: [topic], group: topic };
    const daemon = await start({ sinks: [{ ...sink, redis: { url } }] });
    await eventually(() => daemon.output.includes('KF_REDIS_PERMISSION'), { what: 'the refusal in the log' });
    expect(await redis.exists('to:k')).toBe(0);
  });

  const plain = { format: 'json', key: 'to:{key}', expire: 1, push: 'left' } as const;
  const kinds: readonly (readonly [string, readonly string[], Names, readonly Need[]])[] = [
    ['A keyspace source', KEYSPACE, KEYSPACE_NAMES, keyspaceNeeds({ include: ['app:*'], notifications: 'manage' })],
    [
      'A stream source',
      STREAM,
      STREAM_NAMES,
      eventNeeds({ type: 'stream', keys: ['orders:*'], trim: 'acknowledged', claimAfter: 1 }),
    ],
    ['A list source', ['A list source'], { key: ['jobs'] }, eventNeeds({ type: 'list', keys: ['jobs'] })],
    [
      "A sink of Keyferry's records",
      ["A sink of Keyferry's records"],
      { key: ['*'] },
      sinkNeeds({ format: 'keyferry' }),
    ],
    ...(['string', 'hash', 'set', 'zset', 'list', 'stream'] as const).map(
      (as) =>
        [`A sink as ${as}`, [`A sink as ${as}`], { key: ['to:*'] }, sinkNeeds({ ...plain, as, expire: 0 })] as const,
    ),
    ['Redis REST', REST, REST_NAMES, restNeeds({ readThrough: [{ pattern: 'item:*' }] })],
  ];

  /** Asked when a connection is made, which then fails. */
  const OF_A_CONNECTION = ['+ping'];
  /** What only some sinks of the type need. */
  const OF_OTHERS: Readonly<Record<string, readonly string[]>> = {
    'A sink as list': ['+rpush'],
    // They are part of all keys.
    "A sink of Keyferry's records": ['~__keyferry__:*'],
    // That comes with the whole of COMMAND.
    'Redis REST': ['+command|info'],
  };

  test.each(kinds)('check names it: %s', async (kind, features, names, needs) => {
    const all = [...features, 'The command check'];
    const url = await user(all, names);
    const client = connectRedis({ url, name: 'acl' });
    const connection = client.connect({ db: 0, name: 'check' });
    await connection.ready();
    const isKeyspace = kind === 'A keyspace source';
    const findings = async (): Promise<readonly Finding[]> =>
      (
        await runChecks(REDIS_CHECKS, {
          subject: 'redis',
          client,
          connection,
          needs: [...CONNECTION, ...needs],
          watched: isKeyspace ? [0] : [],
          manages: isKeyspace,
          used: [0],
        })
      ).filter(({ level, what }) => level !== 'ok' && !what.startsWith('cuts a subscriber off'));
    try {
      expect(await findings()).toEqual([]);
      const { rules } = await rulesFor(redis, features, names);
      const untold: string[] = [];
      for (const rule of rules.filter((each) => ![...OF_A_CONNECTION, ...(OF_OTHERS[kind] ?? [])].includes(each))) {
        await user(all, names, { without: rule });
        const text = (await findings())
          .map(({ what, todo = '' }) => `${what} ${todo}`)
          .join('\n')
          .toLowerCase();
        const name = rule.replace(/^(\+|%R~|~|&)/, '');
        if (!text.includes(name) && !text.includes(name.replace('|', ' '))) untold.push(rule);
      }
      expect(untold).toEqual([]);
    } finally {
      await connection.close();
    }
  });
});
