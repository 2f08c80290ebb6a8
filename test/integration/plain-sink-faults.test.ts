import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, inject, test } from 'vitest';
import type { OutgoingRecord } from '../../src/clients/kafka/port.ts';
import { connectRedis } from '../../src/clients/redis/connect.ts';
import type { PlainOptions } from '../../src/kafka-to-redis/plain/plain-options.ts';
import { eventually } from '../support/eventually.ts';
import { lateProxy } from '../support/late-proxy.ts';
import { type RunningSink, SinkFixture } from './sink-fixture.ts';

const RECORDS = 20_000;
const numbered = (from: number, to: number): Partial<OutgoingRecord>[] =>
  Array.from({ length: to - from }, (_, at) => ({ key: Buffer.from('queue'), value: Buffer.from(String(from + at)) }));

const waiting = ({ sink }: RunningSink, why: string): Promise<boolean> =>
  eventually(() => sink.status().state === 'retrying' && sink.health().join().includes(why), {
    what: `the sink to wait because of ${why}`,
  });

describe('a sink that appends, whose Redis fails for a while', () => {
  const fixture = new SinkFixture(['--appendonly', 'yes', '--appendfsync', 'always']);
  const deadLetter = () => `${fixture.topic}.dead`;
  const options = (as: 'list' | 'stream'): PlainOptions & { deadLetter: string } => ({
    ...{ format: 'string', key: '{key}', as, push: 'right', deadLetter: deadLetter() },
  });
  const sendAll = async (): Promise<void> => {
    for (let from = 0; from < RECORDS; from += 2_000) await fixture.send(...numbered(from, from + 2_000));
  };
  const held = async (as: 'list' | 'stream'): Promise<readonly string[]> =>
    as === 'list'
      ? fixture.redis.lrange('queue', 0, -1)
      : (await fixture.redis.xrange('queue', '-', '+')).map(([, [, value = '']]) => value);
  const isWhole = async (as: 'list' | 'stream'): Promise<boolean> => {
    const values = await held(as);
    return values.length === RECORDS && values.every((value, at) => value === String(at));
  };

  test.each(['list', 'stream'] as const)(
    'adds each record to a %s once and in order when Redis is killed time after time',
    async (as) => {
      const { outcomes } = fixture.start(options(as));
      const sending = sendAll();
      for (let kills = 0; kills < 3; kills += 1) {
        const seen = outcomes.total;
        await eventually(() => outcomes.total > seen || outcomes.total === RECORDS, { what: 'records to be applied' });
        await fixture.server.kill();
        await fixture.server.start();
      }
      await sending;
      await eventually(() => isWhole(as), { what: 'all records, once and in order', timeoutMs: 60_000 });
      expect(outcomes.counts['dead-lettered']).toBeUndefined();
    },
  );

  test('adds no record twice when its connection is cut off while commands are under way', async () => {
    const proxy = await lateProxy(fixture.server);
    try {
      const { outcomes } = fixture.start(options('list'), {
        redis: connectRedis({ url: proxy.url, name: 'keyferry' }),
      });
      await fixture.send(...numbered(0, 1_000));
      await eventually(() => outcomes.total === 1_000, { what: 'the first records' });
      proxy.hold();
      await fixture.send(...numbered(1_000, 2_000));
      await eventually(() => proxy.held > 0, { what: 'commands under way' });
      proxy.cutClients();
      await eventually(() => outcomes.total === 2_000, { what: 'the other records' });
      await proxy.release();
      expect(await held('list')).toEqual(Array.from({ length: 2_000 }, (_, at) => String(at)));
    } finally {
      proxy.close();
    }
  });

  test.each(['list', 'stream'] as const)(
    'adds no record to a %s twice when it is the answer that is lost',
    async (as) => {
      const proxy = await lateProxy(fixture.server);
      try {
        const { outcomes } = fixture.start(options(as), { redis: connectRedis({ url: proxy.url, name: 'keyferry' }) });
        await fixture.send(...numbered(0, 10));
        await eventually(() => outcomes.total === 10, { what: 'the first records' });
        proxy.muteFrom('queue');
        await fixture.send(...numbered(10, 300));
        await eventually(async () => (await held(as)).length === 300, { what: 'the other records' });
        proxy.cutClients();
        await eventually(() => outcomes.total === 300, { what: 'all to be counted' });
        expect(outcomes.counts).toEqual({ applied: 10, repeated: 290 });
        expect(await held(as)).toEqual(Array.from({ length: 300 }, (_, at) => String(at)));
      } finally {
        proxy.close();
      }
    },
  );

  test.each([
    ['OOM', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0']],
    ['READONLY', ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE']],
    ['NOREPLICAS', ['CONFIG', 'SET', 'min-replicas-to-write', '1'], ['CONFIG', 'SET', 'min-replicas-to-write', '0']],
  ])(
    'waits while Redis answers %s; poison of the batch is put aside once, and nothing else',
    async (why, bring, mend) => {
      const running = fixture.start({ ...options('list'), format: 'json' });
      await fixture.apply(...numbered(0, 3));
      await fixture.redis.call(...(bring as [string, ...string[]]));
      await fixture.send(...numbered(3, 5), { key: Buffer.from('queue'), value: Buffer.from('{') }, ...numbered(5, 7));
      await waiting(running, why);
      expect(await held('list')).toEqual(['0', '1', '2']);
      await fixture.redis.call(...(mend as [string, ...string[]]));
      await fixture.caughtUp();
      expect(await held('list')).toEqual(['0', '1', '2', '3', '4', '5', '6']);
      expect(running.outcomes.counts).toEqual({ applied: 7, 'dead-lettered': 1 });
      const admin = fixture.kafka().admin();
      expect(await admin.endOffsets(deadLetter())).toEqual(new Map([[0, 1n]]));
      await admin.close();
    },
  );

  test.each(['string', 'hash', 'list', 'stream'] as const)('waits with a %s for memory, and goes on', async (as) => {
    const running = fixture.start({ ...options('list'), format: 'json', as, deadLetter: deadLetter() });
    const record = (n: number) => ({ key: Buffer.from('k'), value: Buffer.from(`{"n":${n}}`) });
    await fixture.apply(record(0));
    const before = await fixture.redis.dump('k');
    await fixture.redis.config('SET', 'maxmemory', '1');
    await fixture.send(record(1));
    await waiting(running, 'OOM');
    expect(await fixture.redis.dump('k')).toBe(before);
    await fixture.redis.config('SET', 'maxmemory', '0');
    await fixture.caughtUp();
    expect(await fixture.redis.dump('k')).not.toBe(before);
    expect(running.outcomes.counts).toEqual({ applied: 2 });
  });

  test.each(['hset', 'rpush'])('fails where its user may not run %s, and dead-letters nothing', async (command) => {
    await fixture.redis.call('ACL', 'SETUSER', 'default', `-${command}`);
    await fixture.send(...numbered(0, 3));
    const running = fixture.start(options('list'));
    await expect(running.ended).rejects.toMatchObject({ code: 'KF_REDIS_PERMISSION' });
    expect(running.outcomes.total).toBe(0);
    await fixture.redis.call('ACL', 'SETUSER', 'default', `+${command}`);
    fixture.start(options('list'));
    await fixture.caughtUp();
    expect(await held('list')).toEqual(['0', '1', '2']);
  });

  /** As docs/sinks.md lists them. */
  const COMMON = ['ping', 'client|id', 'client|setname', 'client|kill', 'select', 'evalsha', 'eval', 'get', 'set'];
  const REPLACING = [...COMMON, 'setrange', 'del', 'unlink', 'time', 'pexpireat'];
  const APPENDING = [...COMMON, 'hget', 'hset', 'type', 'pexpire'];

  test.each([
    ['string', REPLACING],
    ['hash', [...REPLACING, 'hset']],
    ['set', [...REPLACING, 'sadd']],
    ['zset', [...REPLACING, 'zadd']],
    ['list', [...APPENDING, 'rpush', 'ltrim']],
    ['stream', [...APPENDING, 'xadd', 'xinfo|stream']],
  ] as const)('writes a %s with no more permissions than docs/sinks.md lists', async (as, commands) => {
    const keys = ['~k', '~__keyferry__:*'];
    await fixture.redis.call('ACL', 'SETUSER', 'sink', 'on', '>secret', ...keys, ...commands.map((one) => `+${one}`));
    const { host, port } = fixture.server;
    const redis = connectRedis({ url: `redis://sink:secret@${host}:${port}`, name: 'keyferry' });
    const limit = as === 'list' || as === 'stream' ? { maxLength: 10 } : {};
    const value = as === 'set' ? '["a"]' : '{"a":1}';
    const record = { key: Buffer.from('k'), value: Buffer.from(value) };
    if (as === 'stream') await fixture.redis.xadd('k', '5-0', 'of', 'another');
    const { outcomes } = fixture.start(
      { ...options('list'), format: 'json', as, expireMs: 60_000, ...limit },
      { redis },
    );
    await fixture.apply(record, ...(as === 'list' || as === 'stream' ? [] : [{ ...record, value: null }, record]));
    expect(outcomes.counts['dead-lettered']).toBeUndefined();
    expect(await fixture.redis.type('k')).toBe(as);
  });

  test('adds each record once where the sink is started again and again, and where the group goes back', async () => {
    const sending = sendAll();
    for (let starts = 0; starts < 4; starts += 1) {
      const running = fixture.start(options('list'));
      const isWorking = async () => running.outcomes.total > 0 || (await isWhole('list'));
      await eventually(isWorking, { what: 'records to be applied' });
      await running.stop();
    }
    await sending;
    const last = fixture.start(options('list'));
    await eventually(() => isWhole('list'), { what: 'all records' });
    await last.stop();
    const admin = new Kafka({ brokers: [...inject('kafkaBrokers')], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await eventually(() => admin.resetOffsets({ groupId: fixture.group, topic: fixture.topic, earliest: true }), {
      what: 'the group to go back',
    });
    await admin.disconnect();
    const { outcomes } = fixture.start(options('list'));
    await eventually(() => outcomes.total === RECORDS, { what: 'all records to come again' });
    expect(await isWhole('list')).toBe(true);
    expect(outcomes.counts).toEqual({ repeated: RECORDS });
  });
});
