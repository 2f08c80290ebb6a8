import { afterEach, beforeEach } from 'vitest';
import { connectRedis } from '../../src/clients/redis/connect.ts';
import type { RedisClient, RedisConnection } from '../../src/clients/redis/port.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';

/** Neither text nor free of the protocol's own bytes. */
export const BINARY = Buffer.from([0, 255, 13, 10, 36, 195, 40]);

export const as = (server: RedisServer, user: string, password: string): RedisClient =>
  connectRedis({ url: `redis://${user}:${password}@${server.host}:${server.port}`, name: 'keyferry' });

/** A server of its own for each test, with notifications on; connections are closed behind it. */
export const redisFixture = (started: (fixture: { server: RedisServer; client: RedisClient }) => void) => {
  let server: RedisServer;
  let client: RedisClient;
  let open: RedisConnection[];

  beforeEach(async () => {
    server = await (await stackProvider()).startRedis({ args: ['--notify-keyspace-events', 'AE'] });
    client = connectRedis({ url: server.url, name: 'keyferry' });
    open = [];
    started({ server, client });
  });

  afterEach(async () => {
    await Promise.all(open.map((connection) => connection.close()));
    await server.kill();
  });

  const keep = (connection: RedisConnection): RedisConnection => {
    open.push(connection);
    return connection;
  };
  const connect = async (from = client, db = 0): Promise<RedisConnection> => {
    const connection = keep(from.connect({ db, name: 'test' }));
    await connection.ready();
    return connection;
  };
  return { connect, keep };
};
