import { describe, expect, test } from 'vitest';
import { readCapabilities } from '../../src/clients/redis/capabilities.ts';
import { connectRedis } from '../../src/clients/redis/connect.ts';
import { ensureOrigin } from '../../src/clients/redis/origin.ts';
import type { RedisClient, RedisConnection } from '../../src/clients/redis/port.ts';
import type { RedisMetrics } from '../../src/observability/metrics.ts';
import { eventually } from '../support/eventually.ts';
import { lateProxy } from '../support/late-proxy.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';
import { BINARY, as, redisFixture } from './redis-fixture.ts';

let server: RedisServer;
let client: RedisClient;
const { connect, keep } = redisFixture((started) => {
  ({ server, client } = started);
});

const refusalOf = async (connection: RedisConnection): Promise<unknown> =>
  connection.ready().catch((error: unknown) => error);

const reconnected = (connection: RedisConnection): Promise<boolean> =>
  eventually(() => connection.isReady, { what: 'the reconnect' });

describe('commands', () => {
  test('replies are raw bytes, numbers, null and arrays, whatever the command', async () => {
    const redis = await connect();
    expect(await redis.call('set', BINARY, BINARY)).toEqual(Buffer.from('OK'));
    expect(await redis.call('get', BINARY)).toEqual(BINARY);
    expect(await redis.call('get', 'absent')).toBeNull();
    expect(await redis.call('hset', 'hash', 'field', 1.5, 'ünicode', 2)).toBe(2);
    expect(await redis.call('hgetall', 'hash')).toEqual(
      ['field', '1.5', 'ünicode', '2'].map((text) => Buffer.from(text)),
    );
  });

  test('an argument of any length arrives as it was sent', async () => {
    const redis = await connect();
    for (const length of [0, 1, 9, 10, 31, 32, 99, 100, 1000, 1_000_000]) {
      const value = Buffer.alloc(length, BINARY);
      await redis.call('SET', 'key', value);
      expect(value.equals((await redis.call('GET', 'key')) as Buffer)).toBe(true);
    }
  });

  test('a pipeline answers each command in its place, errors among them', async () => {
    const redis = await connect();
    const replies = await redis.pipeline([
      ['SET', 'a', 'x'],
      ['LPUSH', 'a', 'y'],
      ['GET', 'a'],
    ]);
    expect(replies[0]).toEqual(Buffer.from('OK'));
    expect(replies[1]).toMatchObject({
      code: 'KF_REDIS_REFUSED',
      message: expect.stringContaining('WRONGTYPE') as string,
    });
    expect(replies[2]).toEqual(Buffer.from('x'));
  });

  test('each connection works on its own database, under its own name', async () => {
    const redis = await connect(client, 3);
    await redis.call('SET', 'key', 'in three');
    expect(await (await connect()).call('EXISTS', 'key')).toBe(0);
    expect(String(await redis.call('CLIENT', 'GETNAME'))).toBe('keyferry:test');
  });

  test('a script runs by its digest, and is loaded again after SCRIPT FLUSH', async () => {
    const redis = await connect();
    const script = { lua: "return redis.call('INCRBY', KEYS[1], ARGV[1])", readOnly: false };
    expect(await redis.script(script, [BINARY], [2])).toBe(2);
    await redis.call('SCRIPT', 'FLUSH');
    expect(await redis.script(script, [BINARY], ['3'])).toBe(5);
  });

  test('a read-only script is refused its writes', async ({ skip }) => {
    const redis = await connect();
    skip(!(await readCapabilities(redis)).readOnlyScripts, 'before Redis 7 there are none');
    const script = { lua: "return redis.call('SET', KEYS[1], 'x')", readOnly: true };
    await expect(redis.script(script, [BINARY], [])).rejects.toMatchObject({ code: 'KF_REDIS_REFUSED' });
    expect(await redis.script({ lua: "return redis.call('EXISTS', KEYS[1])", readOnly: true }, [BINARY], [])).toBe(0);
  });

  test('a read-only script runs as an ordinary one where the server does not know EVAL_RO', async ({ skip }) => {
    // Such a server is the one that is given, then, and need not be made.
    skip(!(await readCapabilities(await connect())).readOnlyScripts, 'as all other tests of scripts show');
    await server.kill();
    const old = await (
      await stackProvider()
    ).startRedis({ args: ['--rename-command', 'EVALSHA_RO', '', '--rename-command', 'EVAL_RO', ''] });
    const redis = await connect(connectRedis({ url: old.url, name: 'keyferry' }));
    expect(await redis.script({ lua: "return redis.call('EXISTS', KEYS[1])", readOnly: true }, [BINARY], [])).toBe(0);
    await old.kill();
  });

  test('reads and writes are counted, a script by its keys, and round trips are timed', async () => {
    const counts = { read: 0, write: 0 };
    let roundTrips = 0;
    const metrics: RedisMetrics = {
      commands: (kind, count) => {
        counts[kind] += count;
      },
      commandSeconds: () => {
        roundTrips += 1;
      },
    };
    const redis = await connect(connectRedis({ url: server.url, name: 'keyferry', metrics }));
    await redis.call('SET', 'a', 'x');
    await redis.pipeline([
      ['GET', 'a'],
      ['EXISTS', 'a'],
      ['UNLINK', 'a'],
    ]);
    await redis.script({ lua: 'return 1', readOnly: true }, [BINARY, BINARY], []);
    await redis.script({ lua: 'return 1', readOnly: false }, [BINARY, BINARY, BINARY], []);
    await expect(redis.call('NOSUCH')).rejects.toThrow();
    expect(counts).toEqual({ read: 5, write: 5 });
    expect(roundTrips).toBe(5);
    await redis.call('BLMOVE', 'none', 'none', 'LEFT', 'LEFT', 0.01);
    await redis.call('XREAD', 'BLOCK', 10, 'STREAMS', 'none', '$');
    await redis.pipeline([['XREAD', 'BLOCK', 10, 'STREAMS', 'none', '$']]);
    expect(counts).toEqual({ read: 7, write: 6 });
    expect(roundTrips, 'a command that waits for others says nothing about Redis').toBe(5);
  });

  test('the origin id is written once and found by everyone', async () => {
    const [one, other] = [await connect(), await connect()];
    const ids = await Promise.all([ensureOrigin(one, () => 'first'), ensureOrigin(other, () => 'second')]);
    expect(ids[0]).toBe(ids[1]);
    await one.call('FLUSHALL');
    expect(await ensureOrigin(other, () => 'third')).toBe('third');
  });
});

describe('errors', () => {
  test('a wrong password is told apart from a server that is away', async () => {
    const redis = await connect();
    await redis.call('ACL', 'SETUSER', 'ferry', 'on', '>right', '~*', '&*', '+@all');
    const refused = keep(as(server, 'ferry', 'wrong').connect({ db: 0, name: 'test' }));
    expect(await refusalOf(refused)).toMatchObject({ code: 'KF_REDIS_AUTH' });
    await expect(refused.call('PING')).rejects.toMatchObject({ code: 'KF_REDIS_AUTH' });
    await connect(as(server, 'ferry', 'right'));
  });

  test('a server that wants a password says so when none is given', async () => {
    const redis = await connect();
    await redis.call('CONFIG', 'SET', 'requirepass', 'secret');
    const refused = keep(connectRedis({ url: server.url, name: 'other' }).connect({ db: 0, name: 'test' }));
    expect(await refusalOf(refused)).toMatchObject({ code: 'KF_REDIS_AUTH' });
  });

  test('a password for a server that has none is refused, not ignored', async () => {
    const refused = keep(as(server, '', 'secret').connect({ db: 0, name: 'test' }));
    expect(await refusalOf(refused)).toMatchObject({ code: 'KF_REDIS_AUTH' });
  });

  test('a missing permission names the command; the connection of such a user still stands', async () => {
    const redis = await connect();
    await redis.call('ACL', 'SETUSER', 'reader', 'on', '>right', '~*', '+ping', '+get');
    const reader = await connect(as(server, 'reader', 'right'));
    expect(await reader.call('GET', 'a')).toBeNull();
    await expect(reader.call('SET', 'a', 'b')).rejects.toMatchObject({
      code: 'KF_REDIS_PERMISSION',
      message: expect.stringContaining("'set'") as string,
    });
  });

  test('an unknown command is refused without quoting its arguments', async () => {
    const redis = await connect();
    const error = await redis.call('NOSUCH', 'secret').catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'KF_REDIS_REFUSED',
      message: expect.stringMatching(/^Redis refused NOSUCH: ERR unknown command [`']NOSUCH[`']$/) as string,
    });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('secret');
  });

  test.each([
    ['the memory is used up', 'OOM', async (redis: RedisConnection) => redis.call('CONFIG', 'SET', 'maxmemory', 1)],
    [
      'there is no replica',
      'NOREPLICAS',
      async (redis: RedisConnection) => redis.call('CONFIG', 'SET', 'min-replicas-to-write', 1),
    ],
    ['the server is a replica', 'READONLY', async (redis: RedisConnection) => redis.call('REPLICAOF', '127.0.0.1', 1)],
  ])('a write while %s is unavailable, not refused: alone, in a pipeline and in a script', async (_, word, bring) => {
    const redis = await connect();
    await bring(redis);
    const expected = { code: 'KF_REDIS_UNAVAILABLE', message: expect.stringContaining(word) as string };
    await expect(redis.call('SET', 'a', 'b')).rejects.toMatchObject(expected);
    expect((await redis.pipeline([['SET', 'a', 'b']]))[0]).toMatchObject(expected);
    const script = { lua: "return redis.call('SET', KEYS[1], 'x')", readOnly: false };
    await expect(redis.script(script, [Buffer.from('a')], [])).rejects.toMatchObject(expected);
  });

  test('commands fail at once with the reason while the server is away', async () => {
    const redis = await connect();
    await server.kill();
    await eventually(() => !redis.isReady, { what: 'the loss of the connection' });
    const nextTurn = (): Promise<string> => new Promise((resolve) => setImmediate(resolve, 'it waits'));
    for (const attempt of [() => redis.call('PING'), () => redis.pipeline([['PING']])]) {
      const outcome = Promise.race([attempt(), nextTurn()]);
      await expect(outcome).rejects.toMatchObject({ code: 'KF_REDIS_UNAVAILABLE' });
    }
    await expect(redis.ready()).rejects.toMatchObject({
      code: 'KF_REDIS_UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
  });
});

describe('the connection', () => {
  test('comes back after a restart of the server, on its database and under its name', async () => {
    const redis = await connect(client, 2);
    await server.kill();
    await server.start();
    await reconnected(redis);
    await redis.call('SET', 'key', 'value');
    expect(String(await redis.call('CLIENT', 'LIST'))).toMatch(/name=keyferry:test .* db=2 /);
  });

  test('a server that is not up yet is waited for', async () => {
    await server.kill();
    const redis = keep(client.connect({ db: 0, name: 'test' }));
    expect(await refusalOf(redis)).toMatchObject({ code: 'KF_REDIS_UNAVAILABLE' });
    await server.start();
    await reconnected(redis);
    await redis.ready();
    await redis.call('PING');
  });

  test('waiting for it ends with the signal', async () => {
    await server.freeze();
    const redis = keep(client.connect({ db: 0, name: 'test' }));
    await expect(redis.ready(AbortSignal.timeout(50))).rejects.toMatchObject({ code: 'KF_REDIS_UNAVAILABLE' });
    await server.kill();
  });

  test('commands under way when the server dies are rejected', async () => {
    const redis = await connect();
    await server.freeze();
    const waiting = Promise.allSettled([redis.call('PING'), redis.pipeline([['PING'], ['PING']])]);
    await server.kill();
    const lost = { code: 'KF_REDIS_UNAVAILABLE' };
    expect(await waiting).toMatchObject([{ reason: lost }, { value: [lost, lost] }]);
  });

  test('a frozen server is given up after its silence, and is used again once it answers', async () => {
    const redis = await connect();
    await server.freeze();
    await expect(redis.call('PING')).rejects.toMatchObject({ code: 'KF_REDIS_UNAVAILABLE' });
    expect(redis.isReady).toBe(false);
    await server.thaw();
    await reconnected(redis);
    await redis.call('PING');
  });

  test('what a broken connection had sent, and comes late, does not overtake what the next one sends', async () => {
    const proxy = await lateProxy(server);
    const redis = await connect(connectRedis({ url: proxy.url, name: 'keyferry' }));
    proxy.hold();
    const old = redis.call('SET', 'key', 'old').catch((error: unknown) => error);
    await eventually(() => proxy.held > 0, { what: 'the command in the proxy' });
    proxy.cutClients();
    expect(await old).toMatchObject({ code: 'KF_REDIS_UNAVAILABLE' });
    await reconnected(redis);
    await redis.call('SET', 'key', 'new');
    await proxy.release();
    expect(await redis.call('GET', 'key')).toEqual(Buffer.from('new'));
    proxy.close();
  });

  test('close waits for the commands under way', async () => {
    const redis = client.connect({ db: 0, name: 'test' });
    await redis.ready();
    const replies = Array.from({ length: 100 }, () => redis.call('INCR', 'counter'));
    await redis.close();
    expect(await replies[99]).toBe(100);
    await expect(redis.call('PING')).rejects.toMatchObject({ code: 'KF_REDIS_UNAVAILABLE' });
    await expect(redis.ready()).rejects.toMatchObject({ code: 'KF_REDIS_UNAVAILABLE' });
  });

  test('close of a connection that never stood returns', async () => {
    await server.kill();
    await client.connect({ db: 0, name: 'test' }).close();
  });
});
