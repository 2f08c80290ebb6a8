import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { divergence } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';
import type { KafkaServer, RedisServer } from '../support/stack.ts';
import { Workload } from '../support/workload.ts';

/**
 * Each fault under write load, on real servers. Afterwards, with no new writes, the topic's last records equal what Redis
 * holds, for every key, read by other means than Keyferry's own.
 */
describe('after a fault under load the topic converges to what Redis holds (I1)', () => {
  let server: RedisServer;
  let redis: Redis;
  let daemon: Daemon;
  let workload: Workload;
  let brokers: readonly string[];
  let topic: string;

  const setUp = async (options: { kafka?: KafkaServer; redisArgs?: readonly string[]; source?: object } = {}) => {
    brokers = options.kafka?.brokers ?? inject('kafkaBrokers');
    topic = `mirror-${crypto.randomUUID()}`;
    server = await (await stackProvider()).startRedis({ args: options.redisArgs ?? [] });
    redis = new Redis(server.url, { maxRetriesPerRequest: null });
    // The faults cut this connection too; it comes back by itself.
    redis.on('error', () => undefined);
    workload = new Workload(redis);
    daemon = await Daemon.create({
      redis: { url: server.url },
      kafka: { brokers: [...brokers] },
      sources: [{ name: 'all', topic, canaryEvery: '1s', partitions: 3, ...options.source }],
    });
    await daemon.start();
  };

  const expectConvergence = async (): Promise<void> => {
    await workload.stop();
    await daemon.settled();
    // An expiry that was written a moment ago may still be due; nothing else is.
    await eventually(
      async () => {
        const differences = await divergence(redis, brokers, topic);
        if (differences.length > 0) throw new Error(differences.slice(0, 5).join('\n'));
        return true;
      },
      { what: 'the topic to equal Redis' },
    );
    expect(await redis.dbsize()).toBeGreaterThan(100);
  };

  const writesGoOn = async (count: number): Promise<void> => {
    const target = workload.writes + count;
    await eventually(() => workload.writes >= target, { what: 'writes to go on' });
  };

  beforeEach(() => {
    brokers = [];
  });
  afterEach(async () => {
    await workload.stop();
    await daemon.dispose();
    redis.disconnect();
    await server.kill();
  });

  it('kill -9 of the daemon, again and again', async () => {
    await setUp();
    workload.start();
    for (let kills = 0; kills < 5; kills += 1) {
      await writesGoOn(2_000);
      await daemon.kill();
      await writesGoOn(500);
      await daemon.start();
      // The later ones strike in the middle of catching up and reconciling.
      if (kills < 2) await daemon.withoutGap();
    }
    await expectConvergence();
  });

  it('a state store that is lost while the daemon is down, with keys deleted meanwhile', async () => {
    await setUp();
    await workload.run(3_000);
    await daemon.settled();
    await daemon.stop();
    await daemon.loseState();
    const keys = (await redis.keys('*')).filter((key) => !key.startsWith('__keyferry__:'));
    await redis.del(...keys.slice(0, 50));
    await workload.run(500);
    await daemon.start();
    await expectConvergence();
  });

  it('Redis restarted with its data, and without it', async () => {
    await setUp({ redisArgs: ['--appendonly', 'yes'] });
    workload.start();
    await writesGoOn(2_000);
    await server.stop();
    await server.start();
    await writesGoOn(2_000);
    await server.kill();
    await server.start();
    await writesGoOn(2_000);
    await expectConvergence();
  });

  it('a killed subscriber connection', async () => {
    await setUp();
    workload.start();
    await daemon.withoutGap();
    for (let kills = 0; kills < 10; kills += 1) {
      await writesGoOn(500);
      await redis.client('KILL', 'TYPE', 'pubsub');
    }
    await expectConvergence();
    expect(await daemon.metric('keyferry_source_gaps_total{source="all",cause="feed-lost"}')).toBeGreaterThan(0);
  });

  it('a subscriber cut off by the output buffer limit', async () => {
    await setUp({ redisArgs: ['--client-output-buffer-limit', 'pubsub 64kb 32kb 1'] });
    await daemon.settled();
    daemon.freeze();
    const flood = redis.pipeline();
    // More than the kernel's buffers take for a process that does not read.
    for (let n = 0; n < 30_000; n += 1) flood.set(`flood:${'x'.repeat(300)}:${n}`, n);
    await flood.exec();
    daemon.thaw();
    await workload.run(500);
    await expectConvergence();
    expect(await daemon.metric('keyferry_source_gaps_total{source="all",cause="feed-lost"}')).toBeGreaterThan(0);
  });

  it('FLUSHALL and FLUSHDB, which no notification tells of', async () => {
    await setUp();
    await workload.run(1_000);
    await daemon.settled();
    await redis.flushall();
    await workload.run(500);
    await redis.flushdb();
    await workload.run(1_000);
    await expectConvergence();
    expect(await daemon.metric('keyferry_source_gaps_total{source="all",cause="flush"}')).toBeGreaterThan(0);
    expect(await daemon.metric('keyferry_source_records_total{source="all",op="flushed"}')).toBeGreaterThan(100);
  });

  it('notifications switched off while it runs', async () => {
    await setUp();
    await workload.run(500);
    await daemon.settled();
    await redis.config('SET', 'notify-keyspace-events', '');
    await workload.run(500);
    await eventually(async () => ((await redis.config('GET', 'notify-keyspace-events')) as string[])[1] !== '');
    await workload.run(500);
    await expectConvergence();
  });

  it('notifications switched off where they are only required: a gap until they are back', async () => {
    await setUp({ source: { notifications: 'require' }, redisArgs: ['--notify-keyspace-events', 'AE'] });
    await workload.run(500);
    await daemon.settled();
    await redis.config('SET', 'notify-keyspace-events', '');
    await workload.run(200);
    const isNotReady = async (): Promise<boolean> => (await daemon.get('/readyz')).status === 503;
    await eventually(isNotReady, { what: 'the daemon to say that it hears nothing' });
    await workload.run(200);
    const gaps = (await daemon.status()).sources[0]?.databases[0]?.gapsOpen.map(({ cause }) => cause);
    expect(gaps).toContain('notifications-off');
    await redis.config('SET', 'notify-keyspace-events', 'AE');
    await expectConvergence();
  });

  it('SIGTERM while Redis hangs: it ends in time', async () => {
    await setUp({ source: { databases: [0, 1, 2], topic: `${crypto.randomUUID()}.{db}` } });
    await daemon.settled();
    await server.freeze();
    expect(await daemon.stop()).toBe(0);
    await server.thaw();
  });

  it('SWAPDB, which no notification tells of', async () => {
    await setUp();
    await workload.run(1_000);
    await daemon.settled();
    const other = redis.duplicate({ db: 1 });
    await other.mset(Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`swapped:${n}`, n])));
    other.disconnect();
    await redis.swapdb(0, 1);
    const gaps = async (): Promise<number> =>
      (await daemon.metric('keyferry_source_gaps_total{source="all",cause="swapdb"}')) +
      (await daemon.metric('keyferry_source_gaps_total{source="all",cause="dataset-replaced"}'));
    await eventually(async () => (await gaps()) > 0, { what: 'the swap to be noticed' });
    await expectConvergence();
  });

  it('a pending set past its bound', async () => {
    await setUp({ source: { maxPendingBytes: 1_000_000 } });
    await daemon.settled();
    const flood = redis.pipeline();
    for (let n = 0; n < 30_000; n += 1) flood.set(`flood:${n}`, n);
    await flood.exec();
    await expectConvergence();
  });

  it('Kafka restarted, and away for a minute', async () => {
    const kafka = await (await stackProvider()).startKafka();
    await setUp({ kafka });
    workload.start();
    await writesGoOn(1_000);
    await kafka.kill();
    await writesGoOn(2_000);
    await kafka.start();
    await writesGoOn(1_000);
    await kafka.stop();
    const backAt = performance.now() + 60_000;
    await eventually(() => performance.now() > backAt, { timeoutMs: 90_000, what: 'a minute to pass under load' });
    await writesGoOn(2_000);
    await kafka.start();
    await writesGoOn(1_000);
    await expectConvergence();
    await kafka.kill();
  });
});
