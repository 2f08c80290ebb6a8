import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { stackProvider } from '../support/provider.ts';
import { Mirror } from './mirror-fixture.ts';

const COUNT = 200;

const names = (prefix: string): readonly string[] => Array.from({ length: COUNT }, (_, n) => `${prefix}:${n}`);

const write = async (redis: Redis, prefix: string): Promise<void> => {
  await redis.mset(Object.fromEntries(names(prefix).map((key) => [key, prefix])));
};

/** All keys at once become others, and no notification tells of any of them. */
describe('a dataset that is put in the place of another is what the topic shows afterwards (I1)', () => {
  let mirror: Mirror;

  afterEach(async () => {
    await mirror.close();
  });

  /** Which of those keys the topic says are there. */
  const alive = async (prefix: string, db = 0): Promise<number> => {
    const records = await mirror.lastRecords(db);
    return names(prefix).filter((key) => (records.get(key)?.value ?? null) !== null).length;
  };

  it('Redis restarted without its data: nothing of it stays, and what is written then is there', async () => {
    mirror = await Mirror.open();
    const { redis, server, workload, daemon } = mirror;
    await write(redis, 'lost');
    await workload.run(1_000);
    await mirror.expectConvergence();
    expect(await alive('lost')).toBe(COUNT);

    await server.kill();
    await server.start();
    await mirror.gapOpened('dataset-replaced');
    await mirror.converged();
    const left = (await redis.keys('*')).filter((key) => !key.startsWith('__keyferry__:'));
    expect(left).toEqual([]);
    const records = await mirror.lastRecords();
    expect([...records].filter(([, { value }]) => value !== null)).toEqual([]);
    expect(names('lost').map((key) => records.get(key)?.headers['kf-op'])).toEqual(names('lost').map(() => 'del'));

    // Once more, under load.
    await write(redis, 'lost');
    workload.start();
    await mirror.writesGoOn(1_000);
    await server.kill();
    await server.start();
    await mirror.writesGoOn(2_000);
    await mirror.expectConvergence();
    expect(await alive('lost')).toBe(0);
    const lost = await daemon.metric('keyferry_source_gap_seconds_count{source="all",cause="feed-lost"}');
    expect(lost).toBeGreaterThanOrEqual(2);
  });

  it('REPLICAOF another Redis, and NO ONE again', async () => {
    const other = await (await stackProvider()).startRedis({ args: ['--repl-diskless-sync-delay', '0'] });
    const elsewhere = new Redis(other.url);
    await write(elsewhere, 'theirs');
    mirror = await Mirror.open();
    const { redis, workload, daemon } = mirror;
    await write(redis, 'ours');
    await workload.run(500);
    await mirror.converged();
    expect(await mirror.gaps('dataset-replaced')).toBe(0);

    await redis.replicaof(other.host, other.port);
    await eventually(async () => (await redis.exists('theirs:0')) === 1, {
      what: 'the data of the other',
    });
    await mirror.gapOpened('dataset-replaced');
    // What comes over the line of replication is told by notifications again.
    await write(elsewhere, 'replicated');
    await eventually(async () => (await redis.exists('replicated:0')) === 1, {
      what: 'a write of the other',
    });
    await mirror.expectConvergence();
    expect([await alive('ours'), await alive('theirs'), await alive('replicated')]).toEqual([0, COUNT, COUNT]);

    const before = await mirror.gaps('dataset-replaced');
    await redis.replicaof('NO', 'ONE');
    await eventually(async () => (await mirror.gaps('dataset-replaced')) > before, { what: 'it to be a master again' });
    await elsewhere.flushall();
    await workload.run(1_000);
    await mirror.expectConvergence();
    expect(await alive('theirs')).toBe(COUNT);
    const closed = (await daemon.status()).sources[0]?.databases[0]?.gapsClosed.map(({ cause }) => cause);
    expect(closed).toContain('dataset-replaced');
    elsewhere.disconnect();
    await other.kill();
  });

  it('FLUSHALL and FLUSHDB', async () => {
    mirror = await Mirror.open();
    const { redis, workload, daemon } = mirror;
    await write(redis, 'flushed');
    await workload.run(1_000);
    await daemon.settled();
    await redis.flushall();
    await workload.run(500);
    await redis.flushdb();
    await workload.run(1_000);
    await mirror.expectConvergence();
    expect(await mirror.gaps('flush')).toBeGreaterThan(0);
    const records = await mirror.lastRecords();
    const ops = names('flushed').map((key) => records.get(key)?.headers['kf-op']);
    expect(ops).toEqual(names('flushed').map(() => 'flushed'));
    const counted = await daemon.metric('keyferry_source_records_total{source="all",op="flushed"}');
    expect(counted).toBeGreaterThanOrEqual(COUNT);
  });

  it('FLUSHALL while Kafka is away and first records of keys are on their way to it', async () => {
    const kafka = await (await stackProvider()).startKafka();
    mirror = await Mirror.open({ kafka });
    const { redis, workload, daemon } = mirror;
    await daemon.settled();
    await kafka.kill();
    await write(redis, 'flushed');
    const failures = (): Promise<number> => daemon.metric('keyferry_kafka_produce_failures_total');
    await eventually(async () => (await failures()) > 0, {
      what: 'their records to be on their way',
      timeoutMs: 120_000,
    });
    await redis.flushall();
    await mirror.gapOpened('flush');
    await kafka.start();
    await workload.run(1_000);
    await mirror.expectConvergence();
    expect(await alive('flushed')).toBe(0);
    await kafka.kill();
  });

  it('SWAPDB of two databases that are mirrored: the canary of each is found in the other', async () => {
    mirror = await Mirror.open({ databases: [0, 1] });
    const { redis, workload, daemon } = mirror;
    await workload.run(1_000);
    await write(redis, 'of 0');
    await write(mirror.in(1), 'of 1');
    await mirror.converged();
    expect([await alive('of 0', 0), await alive('of 1', 1)]).toEqual([COUNT, COUNT]);
    await redis.swapdb(0, 1);
    await mirror.gapOpened('swapdb');
    await mirror.converged();
    const moved = [await alive('of 0', 0), await alive('of 0', 1), await alive('of 1', 0), await alive('of 1', 1)];
    expect(moved).toEqual([0, COUNT, COUNT, 0]);
    // A machine that stands still for seconds may open others, and rightly so.
    const closed = (await daemon.status()).sources[0]?.databases.map(({ gapsClosed }) =>
      gapsClosed.map(({ cause }) => cause).filter((cause) => !['canary-missing', 'feed-lost'].includes(cause)),
    );
    expect(closed).toEqual([
      ['swapdb', 'start'],
      ['swapdb', 'start'],
    ]);
  });

  it('SWAPDB with a database that is not mirrored: the canary is gone', async () => {
    mirror = await Mirror.open();
    const { redis, workload, daemon } = mirror;
    await workload.run(1_000);
    await daemon.settled();
    const other = redis.duplicate({ db: 1 });
    await write(other, 'swapped');
    other.disconnect();
    await redis.swapdb(0, 1);
    await mirror.gapOpened('dataset-replaced');
    await mirror.expectConvergence();
    expect(await alive('swapped')).toBe(COUNT);
    expect(await mirror.gaps('swapdb')).toBe(0);
  });
});
