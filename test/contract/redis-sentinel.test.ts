import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type RedisClientOptions, connectRedis } from '../../src/clients/redis/connect.ts';
import type { RedisConnection, SubscriptionHandler } from '../../src/clients/redis/port.ts';
import { isKeyferryError } from '../../src/core/errors.ts';
import { rulesIn } from '../support/documented-redis-rules.ts';
import { eventually } from '../support/eventually.ts';
import { processProvider } from '../support/process-provider.ts';
import { MASTER_NAME, type Sentinels, type SentinelsOptions, startSentinels } from '../support/sentinels.ts';
import type { RedisServer } from '../support/stack.ts';
import { Workplace } from '../support/workplace.ts';

const workplace = new Workplace();
const provider = processProvider();
afterAll(() => Promise.all([workplace.close(), provider.dispose()]));

let trio: Sentinels;
const running: Sentinels[] = [];
const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
  await Promise.all(running.splice(0).map((each) => each.kill()));
});

const start = async (options?: SentinelsOptions): Promise<void> => {
  trio = await startSentinels(provider, workplace, options);
  running.push(trio);
};

const behind = (options: Partial<RedisClientOptions> = {}) =>
  connectRedis({
    url: 'redis://ignored',
    topology: 'sentinel',
    nodes: trio.nodes,
    sentinelName: MASTER_NAME,
    name: 'keyferry',
    ...options,
  });

const keep = (connection: RedisConnection): RedisConnection => {
  open.push(connection);
  return connection;
};
const connect = async (client = behind()): Promise<RedisConnection> => {
  const connection = keep(client.connect({ db: 0, name: 'test' }));
  await connection.ready();
  return connection;
};
/** A connection to one server, past the sentinels. */
const direct = async ({ url }: RedisServer): Promise<RedisConnection> => connect(connectRedis({ url, name: 'test' }));

const portOf = async (connection: RedisConnection): Promise<number> => {
  const reply = (await connection.call('CONFIG', 'GET', 'port')) as readonly Buffer[];
  return Number(String(reply[1]));
};
const isAt = (connection: RedisConnection, { port }: RedisServer) =>
  eventually(async () => (await portOf(connection)) === port, { what: `the connection to the master at ${port}` });

const recorder = () => {
  const seen: string[] = [];
  const handler: SubscriptionHandler = { onMessage: (_, key) => seen.push(String(key)), onFlush: () => undefined };
  return { seen, handler };
};

describe('behind sentinels', () => {
  beforeEach(async () => {
    await start();
  });

  test('the master is found where only one sentinel is left', async () => {
    await Promise.all(trio.processes.slice(0, 2).map((sentinel) => sentinel.kill()));
    expect(await portOf(await connect())).toBe(trio.master.port);
    const topology = behind().topology();
    open.push(topology);
    await topology.ready();
    const { host, port } = trio.master;
    expect(topology.masters).toEqual([{ id: `${host}:${port}`, host, port, slots: [{ first: 0, last: 16383 }] }]);
  });

  test('where no sentinel is left, the master that is known stays, and it is told that nobody tells of another', async () => {
    const client = behind();
    const topology = client.topology();
    open.push(topology);
    const connection = await connect(client);
    await topology.ready();
    const { masters } = topology;
    expect([masters.length, topology.failure]).toEqual([1, undefined]);
    await Promise.all(trio.processes.map((sentinel) => sentinel.kill()));
    await eventually(() => topology.failure?.code === 'KF_REDIS_UNAVAILABLE', { what: 'the failure' });
    expect(topology.masters).toEqual(masters);
    expect(await portOf(connection)).toBe(masters[0]?.port);
  });

  test('when the master is killed under load, writing goes on at the new one, and nothing that it took is lost', async () => {
    const redis = await connect();
    const taken = new Set<string>();
    const stop = new AbortController();
    const load = (async () => {
      for (let at = 0; !stop.signal.aborted; at += 1) {
        const key = `key:${at}`;
        await redis.call('SET', key, at).then(
          async () => {
            // What the replica has acknowledged outlives the master.
            if ((await redis.call('WAIT', 1, 1000).catch(() => 0)) === 1) taken.add(key);
          },
          (error: unknown) => {
            expect(error).toMatchObject({ code: 'KF_REDIS_UNAVAILABLE' });
            return new Promise((resolve) => setTimeout(resolve, 5));
          },
        );
      }
    })();
    await eventually(() => taken.size > 100, { what: 'some keys' });
    const { seen, handler } = recorder();
    const subscription = await behind().subscribe(['__keyevent@0__:*'], handler);
    await trio.master.kill();
    await subscription.lost;
    await isAt(redis, trio.replica);
    const again = await behind().subscribe(['__keyevent@0__:*'], handler);
    const before = seen.length;
    await eventually(() => seen.length > before, { what: 'notifications of the new master' });
    stop.abort();
    await load;
    again.close();
    expect(await redis.call('EXISTS', ...taken)).toBe(taken.size);
  });

  test('a master that was frozen while another took over is left before it knows', async () => {
    const redis = await connect();
    const { handler } = recorder();
    const subscription = await behind().subscribe(['__keyevent@0__:*'], handler);
    await trio.master.freeze();
    expect(await subscription.lost).toContain('no longer the master');
    await isAt(redis, trio.replica);
    await trio.master.thaw();
    expect(String(await (await direct(trio.master)).call('ROLE'))).toMatch(/^master/);
    expect(await portOf(redis)).toBe(trio.replica.port);
  });

  test('a failover by hand is followed', async () => {
    const redis = await connect();
    const admin = await connect(connectRedis({ url: `redis://${trio.nodes[0] ?? ''}`, name: 'test' }));
    await admin.call('SENTINEL', 'FAILOVER', MASTER_NAME);
    await isAt(redis, trio.replica);
  });

  test('a master that was demoted behind the backs of the sentinels is neither read nor subscribed', async () => {
    const redis = await connect();
    const node = behind().topology();
    open.push(node);
    await node.ready();
    const changes: number[] = [];
    node.onChange((masters) => changes.push(masters.length));
    const { handler } = recorder();
    const subscription = await behind().subscribe(['__keyevent@0__:*'], handler);
    const demoted = await direct(trio.master);
    for (const sentinel of trio.processes) sentinel.signal('SIGSTOP');
    await demoted.call('REPLICAOF', trio.replica.host, trio.replica.port);
    expect(await subscription.lost).toContain('no longer the master');
    await expect(redis.call('GET', 'key')).rejects.toMatchObject({ code: 'KF_REDIS_UNAVAILABLE' });
    await expect(behind().subscribe(['__keyevent@0__:*'], handler)).rejects.toMatchObject({
      code: 'KF_REDIS_UNAVAILABLE',
    });
    expect(changes).toEqual([0]);
    expect(await demoted.call('PING')).toEqual(Buffer.from('PONG'));
    for (const sentinel of trio.processes) sentinel.signal('SIGCONT');
  });

  test('a name that the sentinels do not know is said', async () => {
    await expect(connect(behind({ sentinelName: 'nobody' }))).rejects.toMatchObject({
      code: 'KF_REDIS_UNAVAILABLE',
      message: expect.stringContaining('redis.sentinelName') as string,
    });
  });
});

describe('behind sentinels that want a password', () => {
  test('theirs and that of the servers are told apart', async () => {
    const args = ['--requirepass', 'of-redis', '--masterauth', 'of-redis'];
    const lines = [`sentinel auth-pass ${MASTER_NAME} of-redis`];
    await start({ args, lines, password: 'of-sentinels' });
    const right = { url: 'redis://:of-redis@ignored', sentinelPassword: 'of-sentinels' };
    expect(await portOf(await connect(behind(right)))).toBe(trio.master.port);
    for (const wrong of [
      { ...right, sentinelPassword: 'x' },
      { ...right, url: 'redis://:x@ignored' },
    ]) {
      const refused: unknown = await connect(behind(wrong)).catch((error: unknown) => error);
      expect(isKeyferryError(refused, 'KF_REDIS_AUTH')).toBe(true);
    }
  });
});

describe('behind sentinels that have users', () => {
  const WITHOUT = '+sentinel|get-master-addr-by-name';
  const giveUser = async (without = ''): Promise<void> => {
    const { rules, newer } = rulesIn(['At each sentinel']);
    for (const sentinel of await sentinels()) {
      const set = (...some: readonly string[]) => sentinel.call('ACL', 'SETUSER', 'keyferry', ...some);
      await set('reset', 'resetchannels', 'on', '>geheim', ...rules.filter((rule) => rule !== without));
      // An older server does not know them.
      for (const rule of newer) await set(rule).catch(() => undefined);
    }
  };
  const sentinels = (): Promise<readonly RedisConnection[]> =>
    Promise.all(trio.nodes.map((node) => connect(connectRedis({ url: `redis://${node}`, name: 'test' }))));
  const user = { sentinelUsername: 'keyferry', sentinelPassword: 'geheim' };

  test('the documented rules are enough, through a failover too, and nothing is refused', async () => {
    await start();
    await giveUser();
    const connection = await connect(behind(user));
    expect(await portOf(connection)).toBe(trio.master.port);
    await trio.master.kill();
    await eventually(async () => (await portOf(connection)) === trio.replica.port, {
      what: 'the connection to follow the new master',
    });
    for (const sentinel of await sentinels()) expect(await sentinel.call('ACL', 'LOG')).toEqual([]);
  });

  test('a rule that lacks is told', async () => {
    await start();
    await giveUser(WITHOUT);
    const refused: unknown = await connect(behind(user)).catch((error: unknown) => error);
    expect(isKeyferryError(refused, 'KF_REDIS_PERMISSION')).toBe(true);
    // Before Redis 7 a subcommand is not named.
    expect(String(refused)).toMatch(/get-master-addr-by-name|'sentinel' command or its subcommand/);
  });
});
