import { Redis } from 'ioredis';
import { afterEach, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { PREFIX } from '../../scripts/demo/given.ts';
import { Mirror } from '../../scripts/demo/mirror.ts';
import { findServers } from '../../scripts/demo/servers.ts';
import { stackProvider } from '../support/provider.ts';

const KEY = `${PREFIX}key`;
const silent = (): void => undefined;

describe('the demo on servers that are given', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it.each(['', '/0', '/1', '/3'])(
    'copies into another database, and leaves all as it was: redis://host%s',
    async (path) => {
      const server = await (await stackProvider()).startRedis();
      const connections = [0, 1, 3].map((db) => new Redis(server.port, server.host, { db }));
      onTestFinished(async () => {
        for (const redis of connections) redis.disconnect();
        await server.kill();
      });
      vi.stubEnv('KEYFERRY_REDIS_URL', server.url + path);
      vi.stubEnv('KEYFERRY_KAFKA_BROKERS', inject('kafkaBrokers').join(', '));
      const [first] = connections;
      await Promise.all(connections.map((redis) => redis.set('theirs', 1)));
      await first?.config('SET', 'notify-keyspace-events', 'Kx');

      const servers = await findServers(silent);
      expect(servers.copy.db).not.toBe(servers.source.db);
      const mirror = new Mirror(servers);
      await mirror.source.mset(KEY, 1, '__keyferry__:canary:demo', 1);
      expect(await mirror.copy.exists(KEY)).toBe(0);
      await mirror.copy.set(KEY, 1);
      mirror.close();
      await first?.set('__keyferry__:origin', 'of the demo');
      await first?.config('SET', 'notify-keyspace-events', 'AKE');

      await servers.dispose();
      expect(await Promise.all(connections.map((redis) => redis.keys('*')))).toEqual([
        ['theirs'],
        ['theirs'],
        ['theirs'],
      ]);
      expect(await first?.config('GET', 'notify-keyspace-events')).toEqual(['notify-keyspace-events', 'xK']);
    },
  );

  it('leaves the id of a Redis that has one', async () => {
    const server = await (await stackProvider()).startRedis();
    const redis = new Redis(server.url);
    onTestFinished(async () => {
      redis.disconnect();
      await server.kill();
    });
    vi.stubEnv('KEYFERRY_REDIS_URL', server.url);
    vi.stubEnv('KEYFERRY_KAFKA_BROKERS', inject('kafkaBrokers').join());
    await redis.set('__keyferry__:origin', 'theirs');
    await (await findServers(silent)).dispose();
    expect(await redis.get('__keyferry__:origin')).toBe('theirs');
  });

  it('names what does not answer', async () => {
    vi.stubEnv('KEYFERRY_REDIS_URL', 'redis://127.0.0.1:1/2');
    vi.stubEnv('KEYFERRY_KAFKA_BROKERS', '127.0.0.1:2');
    await expect(findServers(silent)).rejects.toThrow(
      'KEYFERRY_REDIS_URL: the Redis at 127.0.0.1:1 does not answer: connect ECONNREFUSED 127.0.0.1:1',
    );
    const server = await (await stackProvider()).startRedis();
    onTestFinished(() => server.kill());
    vi.stubEnv('KEYFERRY_REDIS_URL', server.url);
    await expect(findServers(silent)).rejects.toThrow('KEYFERRY_KAFKA_BROKERS: no Kafka answers at 127.0.0.1:2: ');
  });
});
