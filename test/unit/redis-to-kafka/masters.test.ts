import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RedisMaster, SlotRange } from '../../../src/clients/redis/port.ts';
import { headerWriter } from '../../../src/codecs/record-headers.ts';
import type { SourceMetrics } from '../../../src/observability/metrics.ts';
import { PauseSwitch } from '../../../src/core/pause-switch.ts';
import { Keyspace } from '../../../src/redis-to-kafka/keyspace.ts';
import { Masters } from '../../../src/redis-to-kafka/masters.ts';
import { RecordMaker } from '../../../src/redis-to-kafka/publish/record-maker.ts';
import { topicRoute } from '../../../src/redis-to-kafka/publish/routing.ts';
import { SourceTopics } from '../../../src/redis-to-kafka/publish/topics.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { MemoryStates } from '../../support/memory-states.ts';
import { silentLogger } from '../../support/silent-logger.ts';
import { ScriptedRedis } from './scripted-redis.ts';

const nothing = (): undefined => undefined;
const master = (id: string, ...slots: readonly (readonly [number, number])[]): RedisMaster => ({
  id,
  host: id,
  port: 1,
  slots: slots.map(([first, last]): SlotRange => ({ first, last })),
});

let redis: ScriptedRedis;
let clock: FakeClock;
let stop: AbortController;
let keyspace: Keyspace;
let opened: string[];
let closed: string[];
let running: Promise<unknown>;

const metrics: SourceMetrics = {
  touched: nothing,
  published: nothing,
  unchanged: nothing,
  filtered: nothing,
  omitted: nothing,
  endToEnd: nothing,
  canary: nothing,
  gapOpened: (cause) => void opened.push(cause),
  gapClosed: (cause, seconds) => void closed.push(`${cause} after ${seconds} s`),
  reconciledKeys: nothing,
  reconciled: nothing,
  pendingKeys: nothing,
  pendingBytes: nothing,
  behind: nothing,
  openGaps: nothing,
};

const unused = (): Promise<never> => Promise.reject(new Error('Kafka has no part in this'));

const newKeyspace = (): Keyspace =>
  new Keyspace({
    source: 'all',
    db: 0,
    format: 'json',
    maxValueBytes: 1_000,
    maxPendingBytes: 1_000_000,
    reconcileEveryMs: 0,
    canaryEveryMs: 0,
    accepts: () => true,
    isCluster: true,
    reading: redis.connect(),
    published: new MemoryStates(),
    pause: new PauseSwitch(),
    snapshots: { wanted: undefined, advanced: nothing },
    producer: { send: unused, close: () => Promise.resolve() },
    topics: new SourceTopics({
      admin: { describeTopics: unused, createTopic: unused } as never,
      partitions: 1,
      logger: silentLogger,
    }),
    records: new RecordMaker({
      route: topicRoute('t', 'all', 0),
      headers: headerWriter({ db: 0, origin: 'o' }),
      format: 'json',
    }),
    clock,
    logger: silentLogger,
    metrics,
    signal: stop.signal,
  });

beforeEach(() => {
  redis = new ScriptedRedis();
  clock = new FakeClock();
  stop = new AbortController();
  opened = [];
  closed = [];
  keyspace = newKeyspace();
});

afterEach(async () => {
  stop.abort();
  await running.catch(nothing);
});

interface StartOptions {
  readonly notifications?: 'manage' | 'require';
  readonly canaryEveryMs?: number;
}

const start = async ({ notifications = 'manage', canaryEveryMs = 0 }: StartOptions = {}): Promise<Masters> => {
  const tools = { name: 'all', notifications, canaryEveryMs, redis, clock, logger: silentLogger };
  const masters = new Masters({ ...tools, keyspaces: new Map([[0, keyspace]]) }, stop.signal);
  running = masters.run();
  running.catch(nothing);
  await clock.advance(1_000);
  return masters;
};

/** The gaps that are open once the topology shows these masters. All of them close. */
const gapsOf = async (...shown: readonly RedisMaster[]): Promise<readonly string[]> => {
  redis.show(...shown);
  const open = keyspace.status().gapsOpen.map(({ cause, scope }) => `${cause} of ${scope}`);
  await clock.advance(1_000);
  expect(keyspace.gapsOpen).toBe(0);
  return open;
};

describe('masters that come and go', () => {
  it('begin with a gap each, which a reconcile closes', async () => {
    redis.show(master('a', [0, 9_999]), master('b', [10_000, 16_383]));
    await start();
    expect(opened).toEqual(['start', 'start']);
    expect(keyspace.gapsOpen).toBe(0);
  });

  it('find a dataset that was replaced before the watch first looked: what it was is known since the feed came up', async () => {
    redis.show(master('a', [0, 16_383]));
    await start({ canaryEveryMs: 10_000 });
    redis.info = 'run_id:1\nmaster_replid:2\nrole:slave';
    await clock.advance(8_000);
    expect(opened).toEqual(['start']);
    await clock.advance(2_000);
    expect(opened).toEqual(['start', 'dataset-replaced']);
  });

  it('open no gap for a slot that goes from one to another: both tell of it', async () => {
    redis.show(master('a', [0, 9_999]), master('b', [10_000, 16_383]));
    await start();
    expect(await gapsOf(master('a', [0, 8_999]), master('b', [9_000, 16_383]))).toEqual([]);
  });

  it('open a gap for a slot that nobody had: what became of its keys nobody told (I1)', async () => {
    redis.show(master('a', [0, 9_999]), master('b', [10_000, 16_383]));
    await start();
    expect(await gapsOf(master('a', [0, 8_999]), master('b', [10_000, 16_383]))).toEqual([]);
    expect(await gapsOf(master('a', [0, 8_999]), master('b', [9_000, 16_383]))).toEqual(['master-changed of all b:1']);
  });

  it('open a gap where one goes and its slots come to another that is known (I1)', async () => {
    redis.show(master('a', [0, 9_999]), master('b', [10_000, 16_383]));
    await start();
    expect(await gapsOf(master('b', [0, 16_383]))).toEqual(['master-changed of all b:1']);
  });

  it('hand their gaps over with their slots, which stay open until a reconcile there (I3)', async () => {
    redis.show(master('a', [0, 9_999]), master('b', [10_000, 16_383]));
    await start();
    redis.lose('a');
    await clock.advance(500);
    expect(keyspace.status().gapsOpen).toMatchObject([{ cause: 'feed-lost', scope: 'all a:1' }]);
    closed = [];
    expect(await gapsOf(master('b', [0, 16_383]))).toEqual(['feed-lost of all a:1', 'master-changed of all b:1']);
    // Counted from when it opened, at the master before.
    expect(closed).toEqual(['feed-lost after 0.5 s', 'master-changed after 0 s']);
  });

  it('keep the slots that nobody has with who had them last, and no others (I3)', async () => {
    redis.show(master('a', [0, 9_999]), master('b', [10_000, 16_383]));
    const masters = await start();
    redis.lose('a');
    redis.show(master('b', [5_000, 16_383]));
    await clock.advance(1_000);
    expect(masters.status()).toEqual([
      { address: 'a:1', feed: 'down', slots: 5_000 },
      { address: 'b:1', feed: 'up', slots: 11_384 },
    ]);
    // Those that b has taken over are compared, and done with.
    redis.show(master('b', [5_000, 16_383]), master('c'));
    await clock.advance(1_000);
    expect(keyspace.status().gapsOpen).toMatchObject([{ cause: 'feed-lost', scope: 'all a:1' }]);
  });

  it('leave no connection, subscription or listener behind', async () => {
    const [a, b] = [master('a', [0, 16_383]), master('b', [0, 16_383])];
    redis.show(a);
    await start();
    const [open, listeners] = [redis.open.length, redis.listeners];
    for (let flaps = 0; flaps < 20; flaps += 1) {
      redis.show(b);
      await clock.advance(100);
      redis.show(a);
      await clock.advance(100);
    }
    await clock.advance(1_000);
    expect([redis.open.length, redis.listeners]).toEqual([open, listeners]);
    expect(keyspace.gapsOpen).toBe(0);
    stop.abort();
    await running;
    expect([redis.open, redis.listeners]).toEqual([['all'], 0]);
  });

  it('do not keep one another from starting', async () => {
    redis.away.add('a');
    redis.show(master('a', [0, 9_999]), master('b', [10_000, 16_383]));
    const masters = await start();
    expect(masters.status().map(({ feed }) => feed)).toEqual(['down', 'up']);
    expect(keyspace.status().gapsOpen).toMatchObject([{ cause: 'start', scope: 'all a:1' }]);
    redis.away.clear();
    await clock.advance(5_000);
    expect(keyspace.gapsOpen).toBe(0);
  });

  it('end the source at the start where one is not as it must be, and say which', async () => {
    redis.flags = '';
    redis.show(master('a', [0, 16_383]));
    await start({ notifications: 'require' });
    await expect(running).rejects.toThrow('Redis at a:1: notify-keyspace-events is "" and lacks EA');
  });

  it('go on without one that joins later and is not as it must be, its gap open until it is', async () => {
    redis.show(master('a', [0, 9_999]));
    const masters = await start({ notifications: 'require' });
    redis.flags = '';
    redis.show(master('a', [0, 9_999]), master('b', [10_000, 16_383]));
    await clock.advance(10_000);
    expect(masters.status().map(({ feed }) => feed)).toEqual(['up', 'down']);
    expect(keyspace.status().gapsOpen).toMatchObject([
      { cause: 'master-changed', scope: 'all b:1' },
      { cause: 'feed-lost', scope: 'all b:1' },
    ]);
    redis.flags = 'AE';
    await clock.advance(10_000);
    expect(keyspace.gapsOpen).toBe(0);
  });
});
