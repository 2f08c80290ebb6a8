import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { slotOf } from '../../src/clients/redis/cluster/slots.ts';
import { type RedisClientOptions, connectRedis } from '../../src/clients/redis/connect.ts';
import type { RedisConnection, RedisScript } from '../../src/clients/redis/port.ts';
import { RedisCluster, keyIn } from '../support/redis-cluster.ts';
import { processProvider } from '../support/process-provider.ts';
import { BINARY } from './redis-fixture.ts';

const provider = processProvider();
let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await RedisCluster.start(provider, { replicas: 0 });
});
afterAll(async () => {
  await cluster.kill();
  await provider.dispose();
});

const open: RedisConnection[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.close()));
  for (const { admin } of cluster.nodes) await admin.call('FLUSHALL');
});

const clientOf = (options: Partial<RedisClientOptions> = {}) =>
  connectRedis({
    url: 'redis://ignored',
    topology: 'cluster',
    nodes: cluster.seeds.slice(0, 1),
    name: 'keyferry',
    ...options,
  });
const connect = async (client = clientOf()): Promise<RedisConnection> => {
  const connection = client.connect({ db: 0, name: 'test' });
  open.push(connection);
  await connection.ready();
  return connection;
};

/** So many that every master has some of them. */
const KEYS = Array.from({ length: 60 }, (_, at) => `key:${at}`);
const READ_EACH: RedisScript = {
  lua: `
local found = {}
for i = 1, #KEYS do found[i] = { redis.call('GET', KEYS[i]), ARGV[1], ARGV[1 + i] } end
return found
`,
  readOnly: true,
};
const texts = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(texts) : Buffer.isBuffer(value) ? value.toString() : value;

describe('the masters of a cluster as one connection', () => {
  test('the slot of a key is the one that the server computes, of whatever bytes', async () => {
    const { admin } = cluster.node(0);
    const keys = Array.from({ length: 200 }, (_, at) => randomBytes(at % 40));
    const slots = await admin.pipeline(keys.map((key) => ['CLUSTER', 'KEYSLOT', key]));
    expect(keys.map(slotOf)).toEqual(slots);
  });

  test('each command goes to the master of its key, and each reply comes in its place', async () => {
    const redis = await connect();
    const replies = await redis.pipeline(KEYS.flatMap((key) => [['SET', key, key] as const, ['GET', key] as const]));
    expect(replies.map(String)).toEqual(KEYS.flatMap((key) => ['OK', key]));
    const sizes = await Promise.all(cluster.nodes.map(({ admin }) => admin.call('DBSIZE')));
    expect(sizes.every((size) => Number(size) > 0)).toBe(true);
    expect(await redis.call('SET', BINARY, BINARY)).toEqual(Buffer.from('OK'));
    expect(await redis.call('GET', BINARY)).toEqual(BINARY);
    expect(String(await redis.call('PING'))).toBe('PONG');
  });

  test('keys of several slots in one command are refused in the words of Redis', async () => {
    const redis = await connect();
    await expect(redis.call('MGET', 'a', 'b')).rejects.toMatchObject({
      code: 'KF_REDIS_REFUSED',
      message: expect.stringContaining('CROSSSLOT') as string,
    });
    await expect(
      redis.script({ lua: 'return 1', readOnly: true }, [Buffer.from('a'), Buffer.from('b')], []),
    ).rejects.toThrow('CROSSSLOT');
    const replies = await redis.pipeline([
      ['SET', 'a', 'x'],
      ['DEL', 'a', 'b'],
    ]);
    expect(String(replies[0])).toBe('OK');
    expect(String(replies[1])).toContain('CROSSSLOT');
  });

  test('a transaction runs on the master of its key, and sees what was watched there', async () => {
    const [redis, other] = [await connect(), await connect()];
    const watchAndRead = (key: string) =>
      redis.pipeline([
        ['CLIENT', 'ID'],
        ['WATCH', key],
        ['GET', key],
      ]);
    const transaction = (key: string) => redis.pipeline([['MULTI'], ['CLIENT', 'ID'], ['GET', key], ['EXEC']]);
    for (const key of KEYS.slice(0, 10)) {
      await redis.call('SET', key, 'x');
      const [id] = await watchAndRead(key);
      expect(texts((await transaction(key))[3])).toEqual([id, 'x']);
      await watchAndRead(key);
      await other.call('SET', key, 'y');
      expect((await transaction(key))[3]).toBeNull();
    }
  });

  test('a script runs where its key is, and is loaded where it is not known', async () => {
    const redis = await connect();
    const script = { lua: "return redis.call('INCRBY', KEYS[1], ARGV[1])", readOnly: false };
    for (const key of KEYS) expect(await redis.script(script, [Buffer.from(key)], [2])).toBe(2);
  });

  test('a script for each key runs on keys of all slots, with the arguments of all and of each', async () => {
    const redis = await connect();
    await redis.pipeline(KEYS.slice(1).map((key) => ['SET', key, `value of ${key}`]));
    const on = { keys: KEYS.map((key) => Buffer.from(key)), args: ['all'], ownArgs: KEYS.map((key) => [`own ${key}`]) };
    const expected = KEYS.map((key, at) => [at === 0 ? null : `value of ${key}`, 'all', `own ${key}`]);
    expect(texts(await redis.scriptEach(READ_EACH, on))).toEqual(expected);
    expect(texts(await redis.scriptEach(READ_EACH, { keys: [], args: [] }))).toEqual([]);
    const { url } = cluster.node(0);
    expect(texts(await redis.scriptEach({ lua: 'return {1}', readOnly: true }, on))).toMatchObject(
      KEYS.map(() => ({ code: 'KF_REDIS_REFUSED' })),
    );
    // The same on a server without a cluster.
    const alone = await provider.startRedis();
    const standalone = await connect(connectRedis({ url: alone.url, name: 'keyferry' }));
    await standalone.pipeline(KEYS.slice(1).map((key) => ['SET', key, `value of ${key}`]));
    expect(texts(await standalone.scriptEach(READ_EACH, on))).toEqual(expected);
    await standalone.close();
    await alone.kill();
    expect(url).toBeTruthy();
  });

  test('tells which server has a key', async () => {
    const redis = await connect();
    for (const key of KEYS) {
      const server = cluster.nodes.find(({ host, port }) => redis.serverOf(Buffer.from(key)) === `${host}:${port}`);
      await expect(server?.admin.call('EXISTS', key)).resolves.toEqual(expect.any(Number));
    }
  });

  test('has database 0 only', () => {
    expect(() => clientOf().connect({ db: 1, name: 'test' })).toThrow(
      expect.objectContaining({ code: 'KF_CONFIG_INVALID' }) as Error,
    );
  });

  test('a server that is of no cluster is told by its words', async () => {
    const alone = await provider.startRedis();
    const client = clientOf({ nodes: [`${alone.host}:${alone.port}`] });
    await expect(connect(client)).rejects.toMatchObject({
      code: 'KF_REDIS_REFUSED',
      message: expect.stringContaining('cluster support disabled') as string,
    });
    await alone.kill();
  });

  test('a seed that is away is passed over', async () => {
    const redis = await connect(clientOf({ nodes: ['127.0.0.1:1', ...cluster.seeds.slice(2)] }));
    expect(await redis.call('DBSIZE')).toBe(0);
  });
});

describe('while a slot moves', () => {
  test('keys are found on either side, written on the right one, and none is taken for gone', async () => {
    const redis = await connect();
    const slot = slotOf(Buffer.from('{moving}'));
    const keys = KEYS.map((key) => `{moving}${key}`);
    const source = await cluster.ownerOf('{moving}');
    const target = cluster.nodes.find((node) => node !== source) ?? source;
    await redis.pipeline(keys.map((key) => ['SET', key, key]));
    const readAll = async () => {
      const on = { keys: [...keys, ...KEYS].map((key) => Buffer.from(key)), args: [] };
      const each = (await redis.scriptEach(READ_EACH, on)) as readonly (readonly unknown[])[];
      const replies = await redis.pipeline(keys.map((key) => ['GET', key]));
      return { byScript: each.slice(0, keys.length).map(([value]) => String(value)), byGet: replies.map(String) };
    };
    const all = { byScript: keys, byGet: keys };
    expect(await readAll()).toEqual(all);
    await cluster.beginMove(slot, source, target);
    await source.admin.call('MIGRATE', target.host, target.port, '', 0, 5000, 'KEYS', ...keys.slice(0, 30));
    expect(await readAll()).toEqual(all);
    // Of a key that is on its way there, and of one that is nowhere yet.
    for (const key of [keys[0] ?? '', '{moving}new']) {
      const replies = await redis.pipeline([['MULTI'], ['SET', key, 'again'], ['GET', key], ['EXEC']]);
      expect(texts(replies[3])).toEqual(['OK', 'again']);
      expect(await target.admin.pipeline([['ASKING'], ['GET', key]])).toEqual([
        Buffer.from('OK'),
        Buffer.from('again'),
      ]);
    }
    await redis.call('SET', keys[0] ?? '', keys[0] ?? '');
    await expect(redis.call('MGET', keys[0] ?? '', keys[59] ?? '')).rejects.toMatchObject({
      code: 'KF_REDIS_UNAVAILABLE',
      message: expect.stringContaining('TRYAGAIN') as string,
    });
    await cluster.moveKeys(slot, source, target);
    expect(await readAll()).toEqual(all);
    await cluster.endMove(slot, source, target);
    expect(await readAll()).toEqual(all);
    await cluster.move([slot], target, source);
    expect(await readAll()).toEqual(all);
  });

  test('what is written all the while, is all there afterwards', async () => {
    const redis = await connect();
    const source = cluster.node(0);
    const target = cluster.node(1);
    const slots = Array.from({ length: 40 }, (_, at) => 100 + at);
    const keys = slots.map((slot) => keyIn(slot));
    const stop = new AbortController();
    let rounds = 0;
    const writer = (async () => {
      while (!stop.signal.aborted) {
        const replies = await redis.pipeline(keys.map((key) => ['INCR', key]));
        expect(replies.filter((reply) => reply instanceof Error)).toEqual([]);
        rounds += 1;
      }
    })();
    await cluster.move(slots, source, target);
    await cluster.move(slots, target, source);
    stop.abort();
    await writer;
    expect(rounds).toBeGreaterThan(3);
    expect((await redis.pipeline(keys.map((key) => ['GET', key]))).map(Number)).toEqual(keys.map(() => rounds));
  });
});
