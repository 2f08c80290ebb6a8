import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { type ConsumedRecord, type Consumer, type ConsumerOptions, createConsumer } from '../../src/client/client.ts';
import { eventually } from '../support/eventually.ts';
import { ListFixture } from './list-fixture.ts';
import { MirrorFixture } from './redis-rest-mirror-fixture.ts';

describe('a consumer', () => {
  const lists = new ListFixture();
  const mirrors = new MirrorFixture();
  const consumers: Consumer[] = [];
  afterEach(async () => {
    await Promise.all(consumers.splice(0).map((consumer) => consumer.close()));
  });

  const connect = (topic: string, options: Partial<ConsumerOptions> = {}): Consumer => {
    const groupId = `client-${randomUUID()}`;
    const consumer = createConsumer({ brokers: inject('kafkaBrokers'), groupId, topics: [topic], ...options });
    consumers.push(consumer);
    return consumer;
  };
  /** Gathers records, until the test ends. */
  const gather = (consumer: Consumer): ConsumedRecord[] => {
    const records: ConsumedRecord[] = [];
    consumer.each((record) => void records.push(record)).catch(() => undefined);
    return records;
  };
  const keysOf = (records: readonly ConsumedRecord[]): readonly string[] =>
    records.map((record) => (record.kind === 'key' ? record.keyText : ''));

  test.each(['json', 'dump'] as const)('gets the states of keys, and that they are gone, format %s', async (format) => {
    const { topic } = await mirrors.start(lists.server, { format });
    const records = gather(connect(topic));
    await lists.redis.hset('user:1', 'name', 'Ada');
    await eventually(() => records.length === 1, { what: 'the hash' });
    await lists.redis.del('user:1');
    await eventually(() => records.length === 2, { what: 'the tombstone' });
    const [set, gone] = records;
    expect(set).toMatchObject({
      kind: 'key',
      keyText: 'user:1',
      op: 'set',
      redisType: 'hash',
      db: 0,
      position: { topic },
    });
    expect(set).toMatchObject(
      format === 'json'
        ? { state: { type: 'hash', value: { name: 'Ada' } } }
        : { state: { type: 'dump', redisType: 'hash' } },
    );
    expect(gone).toMatchObject({ kind: 'key', op: 'del', state: undefined });
  });

  test('reads what Redis holds now, of any type and size', async () => {
    const consumer = connect('none', { redis: { url: lists.server.url } });
    await lists.redis.zadd('z', 1.5, 'm', 'inf', 'n');
    await lists.redis.set('s', Buffer.from([0xff]), 'PX', 60_000);
    await lists.redis.set('big', 'x'.repeat(5_000_000));
    const [zset, string, big, missing] = await Promise.all(
      ['z', 's', 'big', 'missing'].map((key) => consumer.current(key)),
    );
    expect(zset?.state).toEqual({
      type: 'zset',
      value: [
        { member: 'm', score: 1.5 },
        { member: 'n', score: Infinity },
      ],
    });
    expect(string).toMatchObject({ raw: { value: Buffer.from([0xff]) }, expireAt: expect.any(Number) as number });
    expect(big?.state).toMatchObject({ type: 'string', value: expect.stringMatching(/^x{5000000}$/) as string });
    expect(missing).toBeUndefined();
    await expect(connect('none').current('z')).rejects.toMatchObject({ code: 'KF_CONFIG_INVALID' });
  });

  test('gets items of a list source', async () => {
    const source = lists.start();
    await lists.add(['one', 'two']);
    await lists.published(source, 2);
    const records = gather(connect(lists.topic));
    await eventually(() => records.length === 2, { what: 'the items' });
    expect(records).toMatchObject([
      { kind: 'item', listText: 'jobs', text: 'one' },
      { kind: 'item', listText: 'jobs', text: 'two' },
    ]);
  });

  test('commits what its handler is done with, and gets again what it failed on', async () => {
    const { topic } = await mirrors.start(lists.server, { partitions: 1 });
    const groupId = `client-${randomUUID()}`;
    await lists.redis.set('a', '1');
    const first = connect(topic, { groupId });
    const failing = first.each(() => {
      throw new Error('not now');
    });
    await expect(failing).rejects.toThrow('not now');
    const second = gather(connect(topic, { groupId }));
    await eventually(() => keysOf(second).includes('a'), { what: 'the record to come again' });
    await consumers.pop()?.close();
    await lists.redis.set('b', '2');
    const third = gather(connect(topic, { groupId }));
    await eventually(() => keysOf(third).includes('b'), { what: 'the next record' });
    expect(keysOf(third)).toEqual(['b']);
  });

  test('ends at its signal, once the batch in hand is done', async () => {
    const { topic } = await mirrors.start(lists.server, { partitions: 1 });
    await lists.redis.set('a', '1');
    const stopping = new AbortController();
    let isDone = false;
    await connect(topic).batches(
      async ({ records }) => {
        expect(keysOf(records)).toEqual(['a']);
        stopping.abort();
        await new Promise((resolve) => setImmediate(resolve));
        isDone = true;
      },
      { signal: stopping.signal },
    );
    expect(isDone).toBe(true);
  });

  test('stops at a record that is none of ours, or passes it to whoever wants it', async () => {
    await lists.admin.create({ name: lists.topic, partitions: 1, config: {} });
    const producer = await lists.kafka().producer();
    await producer.send([{ topic: lists.topic, key: null, value: Buffer.from('x'), headers: new Map() }]);
    await producer.close();
    await expect(connect(lists.topic).each(() => undefined)).rejects.toMatchObject({
      code: 'KF_RECORD_UNREADABLE',
      message: expect.stringContaining(`${lists.topic}/0@0`) as string,
    });
    const unreadable: unknown[] = [];
    const records = gather(connect(lists.topic, { onUnreadable: (record) => void unreadable.push(record) }));
    const source = lists.start();
    await lists.add(['fine']);
    await lists.published(source, 1);
    await eventually(() => records.length === 1, { what: 'the item behind it' });
    expect(unreadable).toMatchObject([{ value: Buffer.from('x'), position: { partition: 0, offset: 0n } }]);
  });

  test('says what it waits for while no broker is there', async () => {
    const reasons: string[] = [];
    const consumer = connect('none', { brokers: ['127.0.0.1:1'], onWaiting: (reason) => void reasons.push(reason) });
    gather(consumer);
    await eventually(() => reasons.some((reason) => reason.includes('127.0.0.1:1')), { what: 'the reason' });
    await consumer.close();
  });
});
