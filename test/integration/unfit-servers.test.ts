import { afterEach, describe, expect, inject, test } from 'vitest';
import { connectKafka } from '../../src/clients/kafka/connect.ts';
import { connectRedis } from '../../src/clients/redis/connect.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createMetrics } from '../../src/observability/create-metrics.ts';
import { KeyspaceSource } from '../../src/redis-to-kafka/flow.ts';
import { type Manners, type NoRedis, startNoRedis } from '../support/no-redis.ts';
import { MemoryNotes } from '../support/memory-notes.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { checked, checkedConfig, problems } from './check-fixture.ts';

/** As their documentation, sources and users tell. */
const SERVERS: Readonly<Record<string, Manners>> = {
  'Dragonfly, which shows flags that it has refused': {
    info: '# Server\r\nredis_version:7.4.0\r\ndragonfly_version:df-v1.40.1\r\nredis_mode:standalone\r\n',
    shows: ['notify_keyspace_events', 'AE'],
    onSet: "-ERR CONFIG SET failed (possibly related to argument 'notify-keyspace-events').\r\n",
  },
  'Kvrocks, which has no notifications': {
    info: '# Server\r\nversion:2.9.0\r\nkvrocks_version:2.9.0\r\nredis_version:7.0.0\r\n',
    shows: [],
    onSet: "-ERR CONFIG SET 'notify-keyspace-events' error: Unsupported CONFIG parameter: notify-keyspace-events\r\n",
  },
  'Kvrocks, whose notifications are those of SET and DEL': {
    info: '# Server\r\nversion:unstable\r\nkvrocks_version:unstable\r\nredis_version:7.0.0\r\n',
    shows: ['notify-keyspace-events', 'AE'],
    onSet: '+OK\r\n',
  },
  'Garnet, which ignores the setting': {
    info: '# Server\r\ngarnet_version:1.0.60\r\nredis_version:7.4.3\r\n',
    shows: [],
    onSet: '+OK\r\n',
  },
};

let server: NoRedis | undefined;
afterEach(() => server?.close());

describe.each(Object.keys(SERVERS))('%s', (name) => {
  const start = async (): Promise<NoRedis> => {
    server = await startNoRedis(SERVERS[name] as Manners);
    return server;
  };

  test.each(['manage', 'require'] as const)('is no server to mirror, says check (%s)', async (notifications) => {
    const { url } = await start();
    const result = await checked(checkedConfig(url, { sources: [{ notifications }] }));
    expect(result.status).toBe(1);
    expect(problems(result)).toContainEqual(
      expect.stringMatching(
        /^FAIL .* is (dragonfly|kvrocks|garnet) \S+, which tells of .* -> mirror a Redis or Valkey/,
      ),
    );
  });

  test('is refused by a source before anything is read, written or expected', async () => {
    const { url } = await start();
    const forever = new AbortController().signal;
    await expect(sourceOf(url).run(forever, forever)).rejects.toMatchObject({
      code: 'KF_REDIS_NO_NOTIFICATIONS',
      message: expect.stringMatching(/^The server is (dragonfly|kvrocks|garnet) /) as string,
    });
  });
});

const sourceOf = (url: string): KeyspaceSource =>
  new KeyspaceSource(
    {
      name: 'all',
      databases: [0],
      include: ['*'],
      exclude: [],
      topic: 'unfit',
      partitions: 1,
      format: 'json',
      maxValueBytes: 1_000,
      maxPendingBytes: 1_000,
      notifications: 'manage',
      reconcileEveryMs: 0,
      canaryEveryMs: 0,
    },
    {
      redis: connectRedis({ url, name: 'keyferry' }),
      kafka: connectKafka({ client: 'platformatic', brokers: inject('kafkaBrokers'), clientId: 'unfit' }),
      published: () => {
        throw new Error('nothing is to be remembered');
      },
      notes: new MemoryNotes(),
      clock: systemClock,
      logger: silentLogger,
      metrics: createMetrics().source('all'),
      randomId: () => 'id',
    },
  );
