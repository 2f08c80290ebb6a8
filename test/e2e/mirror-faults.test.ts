import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { stackProvider } from '../support/provider.ts';
import { Mirror } from './mirror-fixture.ts';

/**
 * Each fault under write load, on real servers. Afterwards, with no new writes, the topic's last records equal what Redis
 * holds, for every key, read by other means than Keyferry's own. What replaces the whole dataset: mirror-datasets.test.ts.
 */
describe('after a fault under load the topic converges to what Redis holds (I1)', () => {
  let mirror: Mirror;

  afterEach(async () => {
    await mirror.close();
  });

  it('kill -9 of the daemon, again and again', async () => {
    mirror = await Mirror.open();
    const { workload, daemon } = mirror;
    workload.start();
    for (let kills = 0; kills < 5; kills += 1) {
      await mirror.writesGoOn(2_000);
      await daemon.kill();
      await mirror.writesGoOn(500);
      await daemon.start();
      // The later ones strike in the middle of catching up and reconciling.
      if (kills < 2) await daemon.withoutGap();
    }
    await mirror.expectConvergence();
  });

  it('a state store that is lost while the daemon is down, with keys deleted meanwhile', async () => {
    mirror = await Mirror.open();
    const { redis, workload, daemon } = mirror;
    await workload.run(3_000);
    await daemon.settled();
    await daemon.stop();
    await daemon.loseState();
    const keys = (await redis.keys('*')).filter((key) => !key.startsWith('__keyferry__:'));
    await redis.del(...keys.slice(0, 50));
    await workload.run(500);
    await daemon.start();
    await mirror.expectConvergence();
  });

  it('Redis restarted with its data', async () => {
    mirror = await Mirror.open({ redisArgs: ['--appendonly', 'yes'] });
    const { redis, server, workload } = mirror;
    await redis.set('kept', 'from before');
    workload.start();
    await mirror.writesGoOn(2_000);
    await server.stop();
    await server.start();
    await mirror.writesGoOn(2_000);
    await server.kill();
    await server.start();
    await mirror.writesGoOn(2_000);
    await mirror.expectConvergence();
    expect(await redis.get('kept')).toBe('from before');
  });

  it('a killed subscriber connection', async () => {
    mirror = await Mirror.open();
    mirror.workload.start();
    await mirror.daemon.withoutGap();
    for (let kills = 0; kills < 10; kills += 1) {
      await mirror.writesGoOn(500);
      await mirror.redis.client('KILL', 'TYPE', 'pubsub');
    }
    await mirror.expectConvergence();
    expect(await mirror.gaps('feed-lost')).toBeGreaterThan(0);
  });

  it('a subscriber cut off by the output buffer limit', async () => {
    mirror = await Mirror.open({ redisArgs: ['--client-output-buffer-limit', 'pubsub 64kb 32kb 1'] });
    const { redis, workload, daemon } = mirror;
    await daemon.settled();
    daemon.freeze();
    // Until the kernel's buffers take no more for a process that does not read, and those of Redis neither.
    const isCutOff = async (): Promise<boolean> => {
      const flood = redis.pipeline();
      for (let n = 0; n < 10_000; n += 1) flood.set(`flood:${'x'.repeat(300)}:${n}`, n);
      await flood.exec();
      return (await redis.client('LIST', 'TYPE', 'PUBSUB')) === '';
    };
    await eventually(isCutOff, { what: 'Redis to cut the subscriber off' });
    daemon.thaw();
    await workload.run(500);
    await mirror.expectConvergence();
    expect(await mirror.gaps('feed-lost')).toBeGreaterThan(0);
  });

  it('notifications switched off while it runs', async () => {
    mirror = await Mirror.open();
    const { redis, workload, daemon } = mirror;
    await workload.run(500);
    await daemon.settled();
    await redis.config('SET', 'notify-keyspace-events', '');
    await workload.run(500);
    await eventually(async () => ((await redis.config('GET', 'notify-keyspace-events')) as string[])[1] !== '');
    await workload.run(500);
    await mirror.expectConvergence();
  });

  it('notifications switched off where they are only required: a gap until they are back', async () => {
    mirror = await Mirror.open({
      source: { notifications: 'require' },
      redisArgs: ['--notify-keyspace-events', 'AE'],
    });
    const { redis, workload, daemon } = mirror;
    await workload.run(500);
    await daemon.settled();
    await redis.config('SET', 'notify-keyspace-events', '');
    await workload.run(200);
    const isNotReady = async (): Promise<boolean> => (await daemon.get('/readyz')).status === 503;
    await eventually(isNotReady, { what: 'the daemon to say that it hears nothing' });
    await workload.run(200);
    const gaps = async () => (await daemon.status()).sources[0]?.databases[0]?.gapsOpen.map(({ cause }) => cause) ?? [];
    await eventually(async () => (await gaps()).includes('notifications-off'), { what: 'a gap that says so' });
    await redis.config('SET', 'notify-keyspace-events', 'AE');
    await mirror.expectConvergence();
  });

  it('SIGTERM while Redis hangs: it ends in time', async () => {
    mirror = await Mirror.open({ databases: [0, 1, 2] });
    const { server, daemon } = mirror;
    await daemon.settled();
    await server.freeze();
    expect(await daemon.stop()).toBe(0);
    await server.thaw();
  });

  it('a pending set past its bound', async () => {
    mirror = await Mirror.open({ source: { maxPendingBytes: 1_000_000 } });
    const { redis, daemon } = mirror;
    await daemon.settled();
    // Nothing is read meanwhile, so that it is the bound which decides, and not who is faster.
    await daemon.put('/api/v1/sources/all/pause');
    const flood = redis.pipeline();
    for (let n = 0; n < 30_000; n += 1) flood.set(`flood:${n}`, n);
    await flood.exec();
    await mirror.gapOpened('pending-overflow');
    const pending = await daemon.metric('keyferry_source_pending_bytes{source="all"}');
    expect(pending).toBeGreaterThanOrEqual(1_000_000);
    expect(pending).toBeLessThan(1_001_000);
    await daemon.put('/api/v1/sources/all/resume');
    await mirror.expectConvergence();
    expect(await redis.dbsize()).toBeGreaterThanOrEqual(30_000);
  });

  it('Kafka restarted, and away for a minute', async () => {
    const kafka = await (await stackProvider()).startKafka();
    mirror = await Mirror.open({ kafka });
    mirror.workload.start();
    await mirror.writesGoOn(1_000);
    await kafka.kill();
    await mirror.writesGoOn(2_000);
    await kafka.start();
    await mirror.writesGoOn(1_000);
    await kafka.stop();
    const backAt = performance.now() + 60_000;
    await eventually(() => performance.now() > backAt, { timeoutMs: 180_000, what: 'a minute to pass under load' });
    await mirror.writesGoOn(2_000);
    await kafka.start();
    await mirror.writesGoOn(1_000);
    await mirror.expectConvergence();
    await kafka.kill();
  });
});
