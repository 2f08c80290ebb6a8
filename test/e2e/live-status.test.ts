import { Redis } from 'ioredis';
import { afterEach, describe, expect, inject, it } from 'vitest';
import type { DaemonStatus, FlowStatus } from '../../src/rest/live/status.ts';
import { Daemon } from '../support/daemon.ts';
import { EventReader } from '../support/event-reader.ts';
import { eventually } from '../support/eventually.ts';
import { stackProvider } from '../support/provider.ts';

const closing: (() => Promise<unknown> | undefined)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Keys of one Redis to a topic, and from there to another Redis; entries and items of the first one to topics of their own. */
const start = async () => {
  const provider = await stackProvider();
  const [from, to] = await Promise.all([provider.startRedis({ debug: true }), provider.startRedis()]);
  const name = `live-${crypto.randomUUID()}`;
  const daemon = await Daemon.create({
    redis: { url: from.url },
    kafka: { brokers: [...inject('kafkaBrokers')] },
    sources: [
      { name: 'keys', topic: name, partitions: 1, canaryEvery: '1s' },
      { name: 'orders', type: 'stream', keys: ['orders'], group: name, topic: `${name}-orders` },
      { name: 'jobs', type: 'list', keys: ['jobs'], topic: `${name}-jobs` },
    ],
    sinks: [
      { name: 'copy', topics: [name], group: name, redis: { url: to.url } },
      {
        name: 'log',
        topics: [`${name}-jobs`],
        group: `${name}-log`,
        format: 'string',
        as: 'list',
        key: 'log',
        redis: { url: to.url },
      },
    ],
    log: { level: 'warn' },
  });
  const redis = new Redis(from.url);
  redis.on('error', () => undefined);
  closing.push(
    () => from.kill(),
    () => to.kill(),
    () => daemon.dispose(),
    () => {
      redis.disconnect();
      return undefined;
    },
  );
  await daemon.start();
  return { daemon, redis, from };
};

const told = async (daemon: Daemon): Promise<DaemonStatus> => (await daemon.status()) as unknown as DaemonStatus;
const until = (daemon: Daemon, what: string, holds: (status: DaemonStatus) => boolean): Promise<DaemonStatus> =>
  eventually<DaemonStatus | null>(
    async () => {
      const status = await told(daemon);
      return holds(status) ? status : null;
    },
    { what, timeoutMs: 180_000 },
  );
const inSync = (daemon: Daemon): Promise<DaemonStatus> =>
  until(daemon, 'all to be in sync', ({ summary, ready }) => ready && summary.state === 'in-sync');
const flow = ({ sources, sinks }: DaemonStatus, name: string) =>
  [...sources, ...sinks].find((one) => one.name === name);

describe('the status of a running daemon', () => {
  it('tells of each flow what it does, how fast, and what passed', async () => {
    const { daemon, redis } = await start();
    await inSync(daemon);
    await redis.mset(Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`key:${at}`, at])));
    await redis.del('key:0');
    for (let at = 0; at < 5; at += 1) await redis.xadd('orders', '*', 'number', at);
    await redis.rpush('jobs', 'one', 'two');
    // What passed in the last ten seconds: on a busy machine not all of it in the same ones.
    const timed = new Set<string>();
    const status = await until(daemon, 'all of it to pass', (now) => {
      for (const { name, now: figures } of [...now.sources, ...now.sinks])
        if (figures.perSecond > 0 && (figures.p99Ms ?? 0) > 0) timed.add(name);
      const isDone =
        now.sources.every(({ pending }) => pending === 0) && now.sinks.every(({ lag }) => (lag as unknown) === 0);
      const counts = ['keys', 'orders', 'jobs', 'copy', 'log'].map((name) => flow(now, name)?.records ?? 0);
      return (
        isDone &&
        now.summary.state === 'in-sync' &&
        counts.every((count, at) => count >= ([100, 5, 2, 99, 2][at] ?? 0)) &&
        ['keys', 'orders', 'copy'].every((name) => timed.has(name))
      );
    });
    expect(status.summary.text).toMatch(/^In sync, [\d.]+ m?s behind$/);
    expect(status.at).toBeGreaterThan(status.startedAt);
    for (const one of [...status.sources, ...status.sinks]) {
      expect(one).toMatchObject({
        state: 'running',
        phase: 'running',
        paused: false,
        reasons: [],
        gaps: [],
      });
      expect(one.deadLetters).toBe(0);
    }
    // A sink's may tell of the time before its topic was there.
    expect(status.sources.map(({ lastError }) => lastError)).toEqual([null, null, null]);
    expect(status.sources.map(({ type, pending }) => [type, pending])).toEqual([
      ['keyspace', 0],
      ['stream', 0],
      ['list', 0],
    ]);
    expect(status.sinks.map(({ type, lag }) => [type, lag])).toEqual([
      ['sink', 0],
      ['sink', 0],
    ]);
    // The oldest of them: a machine that stands still for seconds may open others, and rightly so.
    expect(flow(status, 'keys')?.gapHistory.at(-1)).toEqual({
      cause: 'start',
      scope: 'keys db0',
      openedAt: expect.any(Number) as number,
      closedAt: expect.any(Number) as number,
    });
  });

  it('says what is wrong while Redis is away, and repairs it once it is back', async () => {
    const { daemon, from } = await start();
    await inSync(daemon);
    await from.kill();
    // Each flow finds out by itself.
    const isMissed = ({ state, gaps = [] }: Partial<FlowStatus>): boolean =>
      state === 'waiting' && gaps.some(({ cause }) => cause === 'feed-lost');
    const away = await until(daemon, 'Redis to be missed', (now) => isMissed(flow(now, 'keys') ?? {}));
    expect(away.summary.state).toBe('disconnected');
    expect(away.summary.text).toMatch(/^Source \w+ waits for .*: .*(down|Redis|reach|connect)/i);
    expect(flow(away, 'keys')?.reasons).toEqual([expect.stringContaining('is down')]);
    await from.start();
    const back = await inSync(daemon);
    expect(flow(back, 'keys')?.gapHistory.map(({ cause, closedAt }) => [cause, closedAt !== null])).toContainEqual([
      'feed-lost',
      true,
    ]);
    const errors = back.sources.map(({ lastError }) => lastError?.code);
    expect(errors).toContain('KF_REDIS_UNAVAILABLE');
  });

  it('shows how far a repair is', async () => {
    const { daemon, redis } = await start();
    await inSync(daemon);
    await redis.call('DEBUG', 'POPULATE', 200_000);
    const reader = await EventReader.open(`http://127.0.0.1:${daemon.port}/api/v1/events`);
    // The server closes the connection of the subscriber, as it does when its buffer is full.
    await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    const repairing = await reader.next(
      'status',
      ({ summary, sources }) => summary.state === 'repairing' && (sources[0]?.repair?.keysDone ?? 0) > 0,
    );
    expect(repairing.summary).toMatchObject({
      state: 'repairing',
      text: expect.stringMatching(/^Gap on keys db0 for .*, repairing: [\d,]+ of about [\d,]+ keys$/) as string,
    });
    expect(repairing.sources[0]).toMatchObject({
      state: 'repairing',
      repair: { keysEstimated: expect.any(Number) as number },
    });
    reader.close();
    await inSync(daemon);
  });
});

describe('the tail of a running daemon', () => {
  it('tells what passes each flow, by the key in Redis', async () => {
    const { daemon, redis } = await start();
    await inSync(daemon);
    const reader = await EventReader.open(`http://127.0.0.1:${daemon.port}/api/v1/events?tail=1`);
    await reader.next('status');
    await redis.hset('user:1', 'name', 'Ada');
    await redis.set(Buffer.from([0xff, 0x01]), 'binary');
    await redis.xadd('orders', '*', 'number', 1);
    await redis.rpush('jobs', 'one');
    // A sink that has both in one batch applies the latter only.
    await eventually(() => rows(reader).includes('copy user:1 set hash'), {
      what: 'the copy of the hash',
      timeoutMs: 120_000,
    });
    await redis.del('user:1');
    const wanted = [
      'keys user:1 del hash',
      'keys /wE= set string',
      'orders orders add stream',
      'jobs jobs add list',
      'copy user:1 set hash',
      'copy user:1 del hash',
      'copy /wE= set string',
      'log log add list',
    ];
    await eventually(() => wanted.every((row) => rows(reader).includes(row)), {
      what: 'all of them',
      timeoutMs: 120_000,
    }).catch(() => undefined);
    expect(rows(reader)).toEqual(expect.arrayContaining(wanted));
    const changes = reader.all('changes').flatMap((portion) => portion.changes);
    expect(changes.every(({ latencyMs, at }) => latencyMs >= 0 && at > 0)).toBe(true);
    expect(JSON.stringify(changes)).not.toMatch(/Ada|binary/);
    reader.close();
  });
});

const rows = (reader: EventReader): readonly string[] =>
  reader
    .all('changes')
    .flatMap(({ changes }) =>
      changes.map(({ source, sink, key, op, type }) => `${source ?? sink ?? ''} ${key} ${op} ${type}`),
    );
