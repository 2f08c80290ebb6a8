import { describe, expect, test } from 'vitest';
import { slotOf } from '../../src/clients/redis/cluster/slots.ts';
import { eventually } from '../support/eventually.ts';
import { ClusterFixture } from './cluster-fixture.ts';
import { type RunningSource, StreamFixture } from './stream-fixture.ts';

const STREAMS = Array.from({ length: 9 }, (_, at) => `orders:${at}`);
const idsOf = (flat: readonly { readonly stream: string; readonly id: string }[]): ReadonlySet<string> =>
  new Set(flat.map(({ stream, id }) => `${stream} ${id}`));

const fieldOf = (flat: readonly unknown[], name: string): unknown => flat[flat.indexOf(name) + 1];

describe('a stream source of a cluster', () => {
  const cluster = new ClusterFixture();
  const streams = new StreamFixture();
  const start = (keys: readonly string[], options: Parameters<StreamFixture['start']>[0] = {}): RunningSource =>
    streams.start({ keys, ...options }, cluster.client());

  const add = async (stream: string, n: number): Promise<void> => {
    await cluster.redis.xadd(stream, '*', 'customer', `c${n % 5}`, 'n', n);
  };

  /** Writes on until it is told to stop, through whatever happens: an XADD that fails is none. */
  const writer = (keys: readonly string[]) => {
    let [n, goesOn] = [0, true];
    const writing = (async () => {
      while (goesOn) {
        n += 1;
        await Promise.all(keys.map((key) => add(key, n).catch(() => undefined)));
      }
    })();
    return {
      reaches: (count: number) =>
        eventually(() => n >= count, { what: `${count} rounds of writes`, timeoutMs: 60_000 }),
      written: () => n,
      stop: async () => {
        goesOn = false;
        await writing;
      },
    };
  };

  /** What the masters hold now, by another way than Keyferry's. */
  const held = async (keys: readonly string[]): Promise<ReadonlySet<string>> => {
    const all = await Promise.all(
      keys.map(async (stream) => (await cluster.redis.xrange(stream, '-', '+')).map(([id]) => ({ stream, id }))),
    );
    return idsOf(all.flat());
  };

  const expectAllOnTopic = async (keys: readonly string[]): Promise<void> => {
    const wanted = await held(keys);
    const missing = async (): Promise<readonly string[]> => {
      const published = idsOf(await streams.records());
      return [...wanted].filter((id) => !published.has(id));
    };
    await eventually(async () => (await missing()).length === 0, { what: 'every entry to be on the topic' });
    expect(wanted.size).toBeGreaterThan(0);
  };

  const settled = (keys: readonly string[]): Promise<unknown> =>
    eventually(
      async () => {
        const all = await Promise.all(
          keys.map(async (key) => {
            const [group = []] = (await cluster.redis.xinfo('GROUPS', key)) as unknown[][];
            const stream = (await cluster.redis.xinfo('STREAM', key)) as unknown[];
            const isRead = fieldOf(group, 'last-delivered-id') === fieldOf(stream, 'last-generated-id');
            return isRead && fieldOf(group, 'pending') === 0;
          }),
        );
        return all.every(Boolean);
      },
      { what: 'the groups to be settled' },
    );

  test('reads streams of all masters, that a glob finds, each entry once, and trims what was acknowledged', async () => {
    const keys = STREAMS.map((key) => `found:${key}`);
    for (const key of keys) for (const n of [1, 2, 3]) await add(key, n);
    const source = start(['found:*'], { trim: 'acknowledged' });
    await streams.published(source, 27);
    for (const key of keys) await add(key, 4);
    await streams.published(source, 36);
    await eventually(
      async () => (await Promise.all(keys.map((key) => cluster.redis.xlen(key)))).every((length) => length === 0),
      { what: 'the streams to be trimmed' },
    );
    const records = await streams.records();
    expect(records).toHaveLength(36);
    expect(idsOf(records).size).toBe(36);
    expect(source.source.status()).toMatchObject({ streamsRead: 9, lag: 0 });
  });

  test('follows a stream whose slot moves while a read waits there', async () => {
    const source = start(['waiting']);
    await add('waiting', 1);
    await streams.published(source, 1);
    await cluster.moveSlotsOf(['waiting']);
    await add('waiting', 2);
    await streams.published(source, 2);
    await settled(['waiting']);
    await expectAllOnTopic(['waiting']);
    expect(source.metrics.counts['groups remade']).toBeUndefined();
  });

  test('takes over what a dead consumer left, on each master', async () => {
    const keys = STREAMS.map((key) => `left:${key}`);
    for (const key of keys) {
      await add(key, 1);
      await cluster.redis.xgroup('CREATE', key, 'keyferry', '0');
      await cluster.redis.xreadgroup('GROUP', 'keyferry', 'dead', 'STREAMS', key, '>');
    }
    const source = start(['left:*'], { claimAfterMs: 200 });
    await streams.published(source, 9);
    await settled(keys);
    expect(source.metrics.counts['claimed']).toBe(9);
  });

  test('loses no entry that Redis still has: slots move, a master hands over, another is killed, under load', async () => {
    const keys = STREAMS.map((key) => `load:${key}`);
    for (const key of keys) await add(key, 0);
    const source = start(['load:*']);
    await streams.published(source, 9);
    const load = writer(keys);
    await cluster.moveSlotsOf(keys.slice(0, 5));
    await load.reaches(100);
    await cluster.failover(slotOf(Buffer.from('load:orders:7')));
    await cluster.moveSlotsOf(keys.slice(0, 2));
    await load.reaches(load.written() + 50);
    const [first] = await cluster.masters();
    await first?.kill();
    await eventually(
      async () =>
        (await Promise.allSettled(keys.map((key) => add(key, 1)))).every((each) => each.status === 'fulfilled'),
      {
        what: 'the cluster to take all writes again',
      },
    );
    await load.reaches(load.written() + 50);
    await load.stop();
    await settled(keys);
    await expectAllOnTopic(keys);
    await eventually(() => source.source.status().lag === 0, { what: 'no lag to be told of' });
    expect(source.log.lines.filter((line) => line.startsWith('error'))).toEqual([]);
    await first?.start();
    await cluster.agree();
  });
});

describe('a stream source of a cluster, one of whose masters is away with nobody to take over', () => {
  const cluster = new ClusterFixture({
    replicas: 0,
    args: ['--appendonly', 'yes', '--cluster-require-full-coverage', 'no'],
  });
  const streams = new StreamFixture();

  test('goes on with the streams of the others, says why, and catches up when it is back', async () => {
    const keys = STREAMS.map((key) => `away:${key}`);
    const add = (key: string): Promise<unknown> => cluster.redis.xadd(key, '*', 'customer', 'c');
    for (const key of keys) await add(key);
    const source = streams.start({ keys: ['away:*'] }, cluster.client());
    await streams.published(source, 9);
    const { owner: lost } = await cluster.placesOf(slotOf(Buffer.from(keys[0] ?? '')));
    const owners = await Promise.all(keys.map((key) => cluster.placesOf(slotOf(Buffer.from(key)))));
    const others = keys.filter((_, at) => owners[at]?.owner !== lost);
    expect(others.length).toBeGreaterThan(0);
    await lost.kill();
    await eventually(() => source.source.health().some((reason) => reason.includes(String(lost.port))), {
      what: 'the source to say so',
    });
    for (const key of others) await add(key);
    await streams.published(source, 9 + others.length);
    await lost.start();
    for (const key of keys) await eventually(() => add(key), { what: `${key} to be written` });
    await streams.published(source, 18 + others.length);
    await eventually(() => source.source.health().length === 0, { what: 'the source to go on' });
  });
});
