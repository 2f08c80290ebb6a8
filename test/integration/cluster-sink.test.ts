import { describe, expect, test } from 'vitest';
import type { OutgoingRecord } from '../../src/clients/kafka/port.ts';
import { slotOf } from '../../src/clients/redis/cluster/slots.ts';
import type { KeyState } from '../../src/core/key-state.ts';
import type { PlainOptions } from '../../src/kafka-to-redis/plain/plain-options.ts';
import { eventually } from '../support/eventually.ts';
import { ClusterFixture } from './cluster-fixture.ts';
import { SinkFixture, gone, set, text } from './sink-fixture.ts';

const numbers = (count: number, from = 0): readonly number[] => Array.from({ length: count }, (_, at) => from + at);
const hash = (n: number): KeyState => ({
  value: { type: 'hash', entries: [Buffer.from('n'), Buffer.from(String(n))] },
  expireAt: undefined,
});

describe('a sink that writes to a cluster', () => {
  const cluster = new ClusterFixture();
  const sinks = new SinkFixture();
  const start = (options: Parameters<SinkFixture['start']>[0] = {}) =>
    sinks.start(options, { redis: cluster.client() });

  test('writes and deletes keys of all masters in one batch', async () => {
    const keys = numbers(300).map((n) => `batch:${n}`);
    await Promise.all(keys.map((key) => cluster.redis.set(key, 'from before')));
    start();
    const records = keys.map((key, n) =>
      n % 3 === 0 ? gone(key) : n % 3 === 1 ? text(key, `${n}`) : set(key, hash(n)),
    );
    const { counts } = await sinks.apply(...records);
    expect(counts).toEqual({ applied: 300 });
    for (const [n, key] of keys.entries()) {
      const found = n % 3 === 2 ? await cluster.redis.hgetall(key) : await cluster.redis.get(key);
      expect(found).toEqual([null, `${n}`, { n: `${n}` }][n % 3]);
    }
  });

  test('keeps a record that Redis refuses apart from those of other masters', async () => {
    start({ deadLetter: `${sinks.topic}.dead` });
    const broken = { ...set('broken', hash(0), { format: 'dump' }), value: Buffer.from('no dump') };
    const { counts } = await sinks.apply(...numbers(20).map((n) => text(`fine:${n}`, 'x')), broken);
    expect(counts).toEqual({ applied: 20, 'dead-lettered': 1 });
  });

  test('goes on while slots move, and through a failover: each key ends as its last record says', async () => {
    const { outcomes } = start();
    const keys = numbers(60).map((n) => `moved:${n}`);
    let sent = 0;
    let isMoving = true;
    const send = async (): Promise<void> => {
      while (isMoving || sent < 40) {
        sent += 1;
        await sinks.send(...keys.map((key, n) => (n % 2 === 0 ? text(key, `${sent}`) : set(key, hash(sent)))));
      }
    };
    const sending = send();
    await cluster.moveSlotsOf(keys.slice(0, 20));
    await cluster.failover(slotOf(Buffer.from('moved:30')));
    await cluster.moveSlotsOf(keys.slice(10, 30));
    isMoving = false;
    await sending;
    await sinks.caughtUp();
    expect(outcomes.counts['dead-lettered']).toBeUndefined();
    for (const [n, key] of keys.entries()) {
      expect(n % 2 === 0 ? await cluster.redis.get(key) : await cluster.redis.hget(key, 'n')).toBe(`${sent}`);
    }
  });

  test('waits for a master that is killed, and writes to the one that takes over', async () => {
    const { outcomes } = start();
    await sinks.apply(...numbers(30).map((n) => text(`killed:${n}`, 'before')));
    await cluster.servers.isUp();
    const [first] = await cluster.masters();
    await first?.kill();
    await sinks.apply(...numbers(30).map((n) => text(`killed:${n}`, 'after')));
    expect(outcomes.counts).toEqual({ applied: 60 });
    await first?.start();
    await cluster.servers.isUp();
    for (const n of numbers(30)) expect(await cluster.redis.get(`killed:${n}`)).toBe('after');
  });
});

describe('a sink that appends in a cluster', () => {
  const cluster = new ClusterFixture({ replicas: 0, args: ['--cluster-allow-replica-migration', 'no'] });
  const sinks = new SinkFixture();
  const LISTS = numbers(12).map((n) => `list:${n}`);
  const options = (as: PlainOptions['as']) => ({ format: 'string', key: '{key}', as, push: 'right' }) as const;
  const start = (as: PlainOptions['as'], group = sinks.group) =>
    sinks.start({ ...options(as), group }, { redis: cluster.client() });
  const item = (key: string, n: number): Partial<OutgoingRecord> => ({
    key: Buffer.from(key),
    value: Buffer.from(`${n}`),
  });
  const positions = async (): Promise<readonly string[]> => {
    const found = await Promise.all(
      (await cluster.masters()).map(({ admin }) => admin.call('KEYS', '__keyferry__:sink:*')),
    );
    return found.flatMap((keys) => (keys as readonly Buffer[]).map(String));
  };

  test('appends each record once, in order, while slots move, and however often it comes', async () => {
    const { stop } = start('list');
    let [sent, isMoving] = [0, true];
    const send = async (): Promise<void> => {
      for (; isMoving || sent < 30; sent += 1) await sinks.send(...LISTS.map((key) => item(key, sent)));
    };
    const sending = send();
    await cluster.moveSlotsOf(LISTS);
    isMoving = false;
    await sending;
    await sinks.caughtUp();
    await stop();
    const again = start('list', `${sinks.group}-again`);
    await sinks.caughtUp();
    expect(again.outcomes.counts).toEqual({ repeated: sent * LISTS.length });
    for (const key of LISTS) expect(await cluster.redis.lrange(key, 0, -1)).toEqual(numbers(sent).map(String));
  });

  test('notes its positions in the slots that it appends to, one hash for each', async () => {
    start('stream');
    await cluster.redis.del('elsewhere');
    const before = new Set(await positions());
    await sinks.apply(item('stream:{a}1', 1), item('stream:{a}2', 2), item('stream:{b}', 3));
    const added = (await positions()).filter((key) => !before.has(key));
    expect(added.map((key) => slotOf(Buffer.from(key))).toSorted()).toEqual(
      ['a', 'b'].map((tag) => slotOf(Buffer.from(tag))).toSorted(),
    );
    expect(await cluster.redis.xlen('stream:{a}2')).toBe(1);
  });

  test('appends while a slot is between two masters, once its keys are on one of them', async () => {
    const { outcomes } = start('list');
    await sinks.apply(item('between', 1));
    const slot = slotOf(Buffer.from('between'));
    const { owner, other } = await cluster.placesOf(slot);
    await cluster.servers.beginMove(slot, owner, other);
    await sinks.apply(item('between', 2));
    await owner.admin.call('MIGRATE', other.host, other.port, 'between', 0, 5_000);
    await sinks.send(item('between', 3), item('elsewhere', 1));
    await eventually(() => cluster.redis.llen('elsewhere').then((length) => length === 1), { what: 'the other slot' });
    await cluster.servers.moveKeys(slot, owner, other);
    await sinks.caughtUp();
    await cluster.servers.endMove(slot, owner, other);
    expect(outcomes.counts['dead-lettered']).toBeUndefined();
    expect(await cluster.redis.lrange('between', 0, -1)).toEqual(['1', '2', '3']);
  });
});
