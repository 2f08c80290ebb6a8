import { once } from 'node:events';
import { type AddressInfo, type Socket, createConnection, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectRedis } from '../../src/clients/redis/connect.ts';
import { ensureOrigin } from '../../src/clients/redis/origin.ts';
import type {
  RedisClient,
  RedisConnection,
  RedisSubscription,
  SubscriptionHandler,
} from '../../src/clients/redis/port.ts';
import { eventually } from '../support/eventually.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';

const BINARY = Buffer.from([0, 255, 13, 10, 36, 195, 40]);

let server: RedisServer;
let client: RedisClient;
let open: RedisConnection[];
let subscriptions: RedisSubscription[];

beforeEach(async () => {
  server = await (await stackProvider()).startRedis({ args: ['--notify-keyspace-events', 'AE'] });
  client = connectRedis({ url: server.url, name: 'keyferry' });
  open = [];
  subscriptions = [];
});

afterEach(async () => {
  for (const subscription of subscriptions) subscription.close();
  await Promise.all(open.map((connection) => connection.close()));
  await server.kill();
});

const connect = async (from = client, db = 0): Promise<RedisConnection> => {
  const connection = from.connect({ db, name: 'test' });
  open.push(connection);
  await connection.ready();
  return connection;
};

const subscribe = async (patterns: readonly string[], from = client) => {
  const seen: string[] = [];
  const handler: SubscriptionHandler = {
    onMessage: (channel, message) => seen.push(`${channel.toString('latin1')} ${message.toString('latin1')}`),
    onFlush: () => seen.push('flush'),
  };
  const subscription = await from.subscribe(patterns, handler);
  subscriptions.push(subscription);
  return { seen, subscription };
};

const as = (user: string, password: string): RedisClient =>
  connectRedis({ url: `redis://${user}:${password}@${server.host}:${server.port}`, name: 'keyferry' });

const refusalOf = async (connection: RedisConnection): Promise<unknown> =>
  connection.ready(AbortSignal.timeout(500)).catch((error: unknown) => error);

/** A proxy that can hold back what a client sent, and deliver it when that client has long gone. */
const lateProxy = async ({ host, port }: RedisServer) => {
  let holding = false;
  const held: [Socket, Buffer][] = [];
  const clients = new Set<Socket>();
  const servers = new Set<Socket>();
  const listener = createServer((downstream) => {
    const upstream = createConnection({ host, port });
    clients.add(downstream);
    servers.add(upstream);
    upstream.pipe(downstream);
    upstream.on('error', () => undefined);
    downstream.on('error', () => undefined);
    downstream.on('data', (chunk: Buffer) => {
      if (holding) held.push([upstream, chunk]);
      else upstream.write(chunk);
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    url: `redis://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    get held() {
      return held.length;
    },
    hold: () => {
      holding = true;
    },
    cutClients: () => {
      holding = false;
      for (const client of clients) client.destroy();
    },
    /** Resolves when the server has answered, or had hung up. */
    release: () =>
      Promise.all(
        held.map(async ([upstream, chunk]) => {
          if (upstream.closed) return;
          upstream.resume().write(chunk);
          await Promise.race([once(upstream, 'data'), once(upstream, 'close')]);
        }),
      ),
    close: () => {
      for (const socket of [...clients, ...servers]) socket.destroy();
      listener.close();
    },
  };
};

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

  test('a read-only script is refused its writes', async () => {
    const redis = await connect();
    const script = { lua: "return redis.call('SET', KEYS[1], 'x')", readOnly: true };
    await expect(redis.script(script, [BINARY], [])).rejects.toMatchObject({ code: 'KF_REDIS_REFUSED' });
    expect(await redis.script({ lua: "return redis.call('EXISTS', KEYS[1])", readOnly: true }, [BINARY], [])).toBe(0);
  });

  test('a read-only script runs as an ordinary one where the server does not know EVAL_RO', async () => {
    await server.kill();
    const old = await (
      await stackProvider()
    ).startRedis({ args: ['--rename-command', 'EVALSHA_RO', '', '--rename-command', 'EVAL_RO', ''] });
    const redis = await connect(connectRedis({ url: old.url, name: 'keyferry' }));
    expect(await redis.script({ lua: "return redis.call('EXISTS', KEYS[1])", readOnly: true }, [BINARY], [])).toBe(0);
    await old.kill();
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
    const refused = as('ferry', 'wrong').connect({ db: 0, name: 'test' });
    open.push(refused);
    expect(await refusalOf(refused)).toMatchObject({ code: 'KF_REDIS_AUTH' });
    await expect(refused.call('PING')).rejects.toMatchObject({ code: 'KF_REDIS_AUTH' });
    await connect(as('ferry', 'right'));
  });

  test('a server that wants a password says so when none is given', async () => {
    const redis = await connect();
    await redis.call('CONFIG', 'SET', 'requirepass', 'secret');
    const refused = client.connect({ db: 0, name: 'test' });
    open.push(refused);
    expect(await refusalOf(refused)).toMatchObject({ code: 'KF_REDIS_AUTH' });
  });

  test('a password for a server that has none is refused, not ignored', async () => {
    const refused = as('', 'secret').connect({ db: 0, name: 'test' });
    open.push(refused);
    expect(await refusalOf(refused)).toMatchObject({ code: 'KF_REDIS_AUTH' });
  });

  test('a missing permission names the command; the connection of such a user still stands', async () => {
    const redis = await connect();
    await redis.call('ACL', 'SETUSER', 'reader', 'on', '>right', '~*', '+ping', '+get');
    const reader = await connect(as('reader', 'right'));
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
      message: "Redis refused NOSUCH: ERR unknown command 'NOSUCH'",
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
    const started = performance.now();
    await expect(redis.call('PING')).rejects.toMatchObject({ code: 'KF_REDIS_UNAVAILABLE' });
    await expect(redis.pipeline([['PING']])).rejects.toMatchObject({ code: 'KF_REDIS_UNAVAILABLE' });
    expect(performance.now() - started).toBeLessThan(50);
    await expect(redis.ready(AbortSignal.timeout(300))).rejects.toMatchObject({
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
    await redis.ready();
    await redis.call('SET', 'key', 'value');
    expect(String(await redis.call('CLIENT', 'LIST'))).toMatch(/name=keyferry:test .* db=2 /);
  });

  test('a server that is not up yet is waited for', async () => {
    await server.kill();
    const redis = client.connect({ db: 0, name: 'test' });
    open.push(redis);
    expect(await refusalOf(redis)).toMatchObject({ code: 'KF_REDIS_UNAVAILABLE' });
    await server.start();
    await redis.ready();
    expect(redis.isReady).toBe(true);
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
    await redis.ready();
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
    await redis.ready();
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

describe('the subscription', () => {
  test('tells channels and keys as they are, byte for byte', async () => {
    const redis = await connect();
    const { seen } = await subscribe(['__keyevent@0__:*']);
    await redis.call('SET', BINARY, 'x');
    await redis.call('PUBLISH', Buffer.concat([Buffer.from('__keyevent@0__:'), BINARY]), '');
    await eventually(() => seen.length === 2, { what: 'both messages' });
    const text = BINARY.toString('latin1');
    expect(seen).toEqual([`__keyevent@0__:set ${text}`, `__keyevent@0__:${text} `]);
  });

  test('tells of FLUSHDB and FLUSHALL of any database, in order with the messages', async () => {
    const redis = await connect();
    const { seen, subscription } = await subscribe(['__keyevent@0__:*', '__keyevent@1__:*']);
    expect(subscription.flushWatch).toBe(true);
    await redis.call('SET', 'a', 'x');
    await redis.call('FLUSHALL');
    await redis.call('SET', 'b', 'x');
    await (await connect(client, 5)).call('FLUSHDB', 'ASYNC');
    await redis.call('SET', 'c', 'x');
    await eventually(() => seen.at(-1)?.endsWith(' c'), { what: 'the last message' });
    expect(seen).toEqual(
      ['set a', 'flush', 'set b', 'flush', 'set c'].map((line) => line.replace('set', '__keyevent@0__:set')),
    );
  });

  test('says when the user may not watch for flushes', async () => {
    const redis = await connect();
    await redis.call(
      'ACL',
      'SETUSER',
      'reader',
      'on',
      '>right',
      '&__keyevent@0__:*',
      '+ping',
      '+psubscribe',
      '+client|id',
    );
    const { seen, subscription } = await subscribe(['__keyevent@0__:*'], as('reader', 'right'));
    expect(subscription.flushWatch).toBe(false);
    await redis.call('SET', 'a', 'x');
    await eventually(() => seen.length === 1, { what: 'the message' });
  });

  test('is refused with what the user lacks', async () => {
    const redis = await connect();
    await redis.call('ACL', 'SETUSER', 'reader', 'on', '>right', 'resetchannels', '+ping', '+psubscribe');
    await expect(subscribe(['__keyevent@0__:*'], as('reader', 'right'))).rejects.toMatchObject({
      code: 'KF_REDIS_PERMISSION',
    });
  });

  test('is refused while the server is away', async () => {
    await server.kill();
    await expect(subscribe(['__keyevent@0__:*'])).rejects.toMatchObject({ code: 'KF_REDIS_UNAVAILABLE' });
  });

  test('tells that it is lost, by CLIENT KILL and by the death of the server', async () => {
    const redis = await connect();
    const first = await subscribe(['__keyevent@0__:*']);
    await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    expect(await first.subscription.lost).toContain('closed');
    const second = await subscribe(['__keyevent@0__:*']);
    await server.kill();
    await second.subscription.lost;
  });

  test('ends when it is closed', async () => {
    const { subscription } = await subscribe(['__keyevent@0__:*']);
    subscription.close();
    await subscription.lost;
  });
});
