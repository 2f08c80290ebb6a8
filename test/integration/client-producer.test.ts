import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { CommandError, UnconfirmedError, createProducer } from '../../src/client/client.ts';
import { Producer } from '../../src/client/producer.ts';
import { type Clock, aborted, systemClock } from '../../src/core/clock.ts';
import { SourcesMirror } from '../../src/rest/redis-rest/mirror.ts';
import { lastRecords } from '../support/independent-reader.ts';
import { freePort } from '../support/ports.ts';
import { RestFixture } from './redis-rest-fixture.ts';
import { MirrorFixture } from './redis-rest-mirror-fixture.ts';

/** Time that passes only as a call waits between its attempts, however long those take. */
const unhurried = (): Clock => {
  let nowMs = 0;
  return {
    ...systemClock,
    monotonic: () => nowMs,
    sleep: async (ms, signal) => {
      // With a signal it is the deadline of an attempt.
      if (signal === undefined) nowMs += ms;
      else await aborted(signal);
    },
  };
};

const binary = Buffer.from([0xff, 0x00, 0x2f, 0x25]);

describe('a producer', () => {
  const fixture = new RestFixture();
  const mirrors = new MirrorFixture();

  const start = async (options: Parameters<RestFixture['start']>[1] = {}) => {
    const { url } = await fixture.start({}, options);
    return url.replace(/\/redis$/, '');
  };
  const startMirrored = async () => {
    const mirror = await mirrors.start(fixture.server);
    const url = await start({ mirror: new SourcesMirror([mirror.source]) });
    return { url, topic: mirror.topic };
  };

  test('writes and reads through the daemon, by its methods and by any command', async () => {
    const producer = createProducer({ url: await start() });
    expect((await producer.set('a', 'ü')).result).toBe('OK');
    expect((await producer.set('a', 'other', { only: 'nx' })).result).toBeNull();
    expect(await producer.get('a')).toBe('ü');
    expect(await producer.get('missing')).toBeUndefined();
    expect((await producer.set('gone', 1, { expireMs: 60_000 })).records).toEqual([]);
    expect(await fixture.redis.pttl('gone')).toBeGreaterThan(50_000);
    expect((await producer.hset('h', { one: 1, two: '2' })).result).toBe(2);
    expect(await producer.hgetall('h')).toEqual({ one: '1', two: '2' });
    expect((await producer.hdel('h', ['one', 'none'])).result).toBe(1);
    expect((await producer.incrBy('n', 5)).result).toBe(5);
    expect((await producer.rpush('l', ['x', 'y'])).result).toBe(2);
    expect((await producer.lpush('l', 'w')).result).toBe(3);
    expect((await producer.sadd('s', ['m'])).result).toBe(1);
    expect((await producer.zadd('z', { m: 1.5, n: Infinity })).result).toBe(2);
    expect((await producer.xadd('x', { field: 'value' })).result).toMatch(/^\d+-0$/);
    expect((await producer.expire('h', 1_000)).result).toBe(true);
    expect((await producer.del(['a', 'missing'])).result).toBe(1);
    expect((await producer.command(['LRANGE', 'l', 0, -1])).result).toEqual(['w', 'x', 'y']);
  });

  test('carries bytes as they are, in keys, values and replies', async () => {
    const producer = createProducer({ url: await start() });
    await producer.set(binary, binary, { expireMs: 60_000 });
    expect(await fixture.redis.getBuffer(binary)).toEqual(binary);
    expect(await producer.getBytes(binary)).toEqual(binary);
    await producer.set('big', Buffer.alloc(500_000, 0xfe));
    expect(await producer.getBytes('big')).toHaveLength(500_000);
    expect((await producer.commandBytes(['MGET', 'big', 'missing'])).result).toEqual([
      Buffer.alloc(500_000, 0xfe),
      null,
    ]);
  });

  test('runs pipelines and transactions, with errors in their places', async () => {
    const producer = createProducer({ url: await start() });
    const { result } = await producer.pipeline([
      ['SET', 'a', 1],
      ['LPUSH', 'a', 1],
      ['INCR', 'a'],
    ]);
    expect(result).toEqual(['OK', expect.any(CommandError), 2]);
    const transaction = await producer.transaction([
      ['INCR', 'a'],
      ['GET', 'a'],
    ]);
    expect(transaction.result).toEqual([3, '3']);
  });

  test('waits for Kafka where asked, and says where each key stands there', async () => {
    const { url, topic } = await startMirrored();
    const producer = createProducer({ url, ack: 'kafka' });
    const { result, records } = await producer.hset('user:1', { name: 'Ada' });
    expect(result).toBe(1);
    expect(records).toHaveLength(1);
    const record = (await lastRecords(inject('kafkaBrokers'), topic)).get('user:1');
    expect(records[0]).toMatchObject({
      keyText: 'user:1',
      place: { topic, partition: record?.partition, offset: record?.offset },
    });
    const { records: both } = await producer.pipeline([
      ['SET', 'ü', 1],
      ['DEL', 'user:1'],
    ]);
    expect(both.map(({ keyText }) => keyText)).toEqual(['ü', 'user:1']);
    expect(await producer.get('ü')).toBe('1');
  });

  test('is told before anything is written that Kafka will never have the key', async () => {
    const { url } = await startMirrored();
    await expect(createProducer({ url, ack: 'kafka' }).set('private:1', 'x')).rejects.toMatchObject({
      code: 'REFUSED',
      applied: 'no',
    });
    expect(await fixture.redis.exists('private:1')).toBe(0);
  });

  test('says that a write is done which Kafka has not confirmed in time', async () => {
    const never = { acknowledged: () => new Promise<never>(() => undefined), release: () => undefined };
    const url = await start({ mirror: { writing: () => undefined, written: () => undefined, follow: () => never } });
    // The answer comes half a second before the time is up; here that is a minute.
    const clock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms * 120, signal) };
    const error: unknown = await new Producer({ url, ack: 'kafka', timeoutMs: 900 }, clock)
      .incrBy('n', 7)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnconfirmedError);
    expect(error).toMatchObject({ applied: 'yes', result: 7 });
    expect(await fixture.redis.get('n')).toBe('7');
  });

  test('waits for a mirror that is not ready yet, as long as its time allows', async () => {
    let asked = 0;
    const notYet = { when: 'not-yet', reason: 'the source starts' } as const;
    const ready = { acknowledged: () => Promise.resolve([]), release: () => undefined };
    const mirror = {
      writing: () => undefined,
      written: () => undefined,
      follow: () => ((asked += 1) < 3 ? notYet : ready),
    };
    const producer = createProducer({ url: await start({ mirror }), ack: 'kafka', timeoutMs: 60_000 });
    expect((await producer.set('a', 1)).result).toBe('OK');
    expect(asked).toBe(3);
  });

  test('needs the token where one is set', async () => {
    const url = await start({ token: 'secret-token' });
    await expect(createProducer({ url }).set('a', 1)).rejects.toMatchObject({ code: 'UNAUTHORIZED', applied: 'no' });
    expect((await createProducer({ url, token: 'secret-token' }).set('a', 1)).result).toBe('OK');
  });

  test('gives the words of Redis for a command that fails', async () => {
    const producer = createProducer({ url: await start() });
    await producer.set('a', 'text');
    await expect(producer.incrBy('a', 1)).rejects.toMatchObject({
      code: 'REFUSED',
      message: expect.stringContaining('not an integer') as string,
    });
    await expect(producer.command(['SUBSCRIBE', 'c'])).rejects.toMatchObject({ code: 'REFUSED' });
  });
});

describe('a producer whose daemon fails', () => {
  /** Takes connections and requests, and hangs up without an answer, or does not answer at all. */
  const startBroken = async (does: 'hang up' | 'say nothing') => {
    let requests = 0;
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => {
        requests += 1;
        if (does === 'hang up') socket.destroy();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.close();
    });
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: () => requests };
  };

  test('tries until the daemon listens, because nothing was sent', async () => {
    const port = await freePort();
    const producer = new Producer({ url: `http://127.0.0.1:${port}`, timeoutMs: 400 }, unhurried());
    await expect(producer.set('a', 1)).rejects.toMatchObject({ code: 'UNAVAILABLE', applied: 'no' });
  });

  test('sends a write once where the answer is lost, and says that it does not know', async () => {
    const { url, requests } = await startBroken('hang up');
    await expect(createProducer({ url }).set('a', 1)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      applied: 'unknown',
    });
    expect(requests()).toBe(1);
  });

  test('sends again what may be done twice', async () => {
    const { url, requests } = await startBroken('hang up');
    const producer = new Producer({ url, timeoutMs: 500 }, unhurried());
    await expect(producer.get('a')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(requests()).toBeGreaterThan(1);
  });

  test('gives up when its time is over, or its signal says so', async () => {
    const { url } = await startBroken('say nothing');
    const producer = createProducer({ url, timeoutMs: 200 });
    await expect(producer.set('a', 1)).rejects.toMatchObject({ code: 'TIMEOUT', applied: 'unknown' });
    const aborting = new AbortController();
    const call = producer.set('a', 1, { signal: aborting.signal, timeoutMs: 60_000 });
    aborting.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
  });
});
