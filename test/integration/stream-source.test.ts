import { describe, expect, test } from 'vitest';
import { connectRedis } from '../../src/clients/redis/connect.ts';
import { boundLags, inspectStreams } from '../../src/redis-to-kafka/streams/stream-info.ts';
import { eventually } from '../support/eventually.ts';
import { StreamFixture } from './stream-fixture.ts';

describe('a stream source', () => {
  const fixture = new StreamFixture();

  test('publishes each entry once, with its fields, its key and where it comes from', async () => {
    const id = await fixture.redis.xadd('orders', '*', 'customer', '7', 'total', '12.50', 'customer', '8');
    await fixture.redis.set('__keyferry__:origin', 'this-redis');
    const running = fixture.start();
    await fixture.published(running, 1);
    await fixture.settled();
    const [record, ...others] = await fixture.records();
    expect(others).toEqual([]);
    expect(record).toMatchObject({ key: '7', value: { customer: ['7', '8'], total: '12.50' } });
    expect(record?.headers).toEqual({
      'kf-stream': 'orders',
      'kf-id': id,
      'kf-ts': expect.stringMatching(/^\d{13}$/) as string,
      'kf-origin': 'this-redis',
      'kf-v': '1',
    });
    expect(running.metrics.counts).toEqual({ published: 1, durations: 1 });
    expect(running.source.health()).toEqual([]);
  });

  test('keeps the order of each record key, over many batches and partitions', async () => {
    const ids = await fixture.add('orders', 5_000);
    const running = fixture.start({ batch: 300 });
    const more = await fixture.add('orders', 5_000);
    await fixture.published(running, 10_000);
    const records = await fixture.records();
    expect(new Set(records.map(({ id }) => id))).toEqual(new Set([...ids, ...more]));
    const at = new Map([...ids, ...more].map((id, index) => [id, index]));
    for (const customer of new Set(records.map(({ key }) => key))) {
      const order = records.filter(({ key }) => key === customer).map(({ id }) => at.get(id) ?? -1);
      expect(order).toEqual(order.toSorted((a, b) => a - b));
    }
    expect((await fixture.admin.describe(fixture.topic))?.partitions).toBe(3);
    expect((await fixture.admin.describe(fixture.topic))?.config.get('cleanup.policy')).toBe('delete');
  });

  test('carries binary entries as base64, and empty names and values as they are', async () => {
    await fixture.redis.xadd('orders', '*', 'raw', Buffer.from([0xff, 0x00]), 'text', 'x');
    await fixture.redis.xadd('orders', '*', '', '', 'quote"', 'line\n');
    const running = fixture.start({ recordKey: '{key}', partitions: 1 });
    await fixture.published(running, 2);
    const [binary, empty] = await fixture.records();
    expect(binary?.value).toEqual({ cmF3: '/wA=', 'dGV4dA==': 'eA==' });
    expect(binary?.headers['kf-encoding']).toBe('base64');
    expect(empty?.value).toEqual({ '': '', 'quote"': 'line\n' });
  });

  test('begins a group at the end where told so, but reads a stream that appears later from its beginning', async () => {
    await fixture.add('orders', 3);
    const running = fixture.start({ keys: ['orders', 'later'], from: 'end' });
    await eventually(() => running.source.status().state === 'running', { what: 'the source to run' });
    const ids = [...(await fixture.add('later', 2)), ...(await fixture.add('orders', 2))];
    await fixture.published(running, 4);
    expect((await fixture.records()).map(({ id }) => id).sort()).toEqual([...ids].sort());
  });

  test('waits for a stream that is not there, without making a key of that name', async () => {
    const running = fixture.start({ keys: ['orders', 'customers'] });
    await eventually(() => running.source.status().streamsMissing === 2, { what: 'the streams to be missed' });
    expect(running.source.health()).toEqual([]);
    await fixture.add('customers', 5);
    await fixture.published(running, 5);
    expect(await fixture.redis.exists('orders')).toBe(0);
    expect(running.source.status()).toMatchObject({
      streamsRead: 1,
      streamsMissing: 1,
      streams: [
        { key: 'orders', state: 'missing' },
        { key: 'customers', state: 'reading' },
      ],
    });
  });

  test('finds the streams of its globs, those that appear later too, and no other keys', async () => {
    await fixture.redis.set('orders:eu', 'no stream');
    await fixture.redis.rpush('orders:list', 'no stream either');
    await fixture.add('orders:us', 3);
    await fixture.add('other', 3);
    const running = fixture.start({
      keys: ['orders:*', 'invoices:?'],
      topic: `${fixture.topic}.{2}`,
      recordKey: '{key}/{id}',
    });
    await fixture.published(running, 3);
    const ids = await fixture.add('orders:asia', 2);
    await fixture.add('invoices:1', 2);
    await fixture.published(running, 7);
    expect(running.source.status()).toMatchObject({ streamsRead: 3, streamsMissing: 0, streamsOfWrongType: 0 });
    const records = await fixture.records(`${fixture.topic}.asia`);
    expect(records.map(({ key }) => key).sort()).toEqual(ids.map((id) => `orders:asia/${id}`).sort());
    expect(await fixture.records(`${fixture.topic}.1`)).toHaveLength(2);
  });

  test('reads thousands of streams at once', async () => {
    const pipeline = fixture.redis.pipeline();
    for (let n = 0; n < 3_000; n += 1) for (const at of ['1-1', '1-2']) pipeline.xadd(`s:${n}`, at, 'n', n);
    await pipeline.exec();
    const running = fixture.start({ keys: ['s:*'], recordKey: '{key}' });
    await fixture.published(running, 6_000);
    await fixture.redis.xadd('s:17', '2-1', 'n', 17);
    await fixture.published(running, 6_001);
    const records = await fixture.records();
    expect(records.filter(({ key }) => key === 's:17').map(({ id }) => id)).toEqual(['1-1', '1-2', '2-1']);
    expect(new Set(records.map(({ key }) => key)).size).toBe(3_000);
  });

  test('tells how far behind its group is, and what is under way', async () => {
    await fixture.add('orders', 7);
    await fixture.redis.xgroup('CREATE', 'orders', 'keyferry', '0');
    await fixture.redis.xreadgroup('GROUP', 'keyferry', 'other', 'COUNT', 2, 'STREAMS', 'orders', '>');
    const running = fixture.start();
    expect(running.metrics.lagOf()).toBeUndefined();
    await fixture.published(running, 5);
    await eventually(() => running.metrics.lagOf() === 0 && running.metrics.pendingOf() === 2, { what: 'the figures' });
    const [row] = running.source.status().streams;
    expect(row).toEqual({ key: 'orders', state: 'reading', lag: 0, pending: 2 });
  });

  test('takes the length of a stream for the lag where Redis has lost count', async () => {
    const ids = await fixture.add('orders', 7);
    await fixture.redis.xgroup('CREATE', 'orders', 'keyferry', ids[2] ?? '');
    await fixture.redis.xdel('orders', ids[4] ?? '');
    const redis = connectRedis({ url: fixture.server.url, name: 'test' }).connect({ db: 0, name: 'info' });
    await redis.ready();
    const name = Buffer.from('orders');
    const [info] = await inspectStreams(redis, Buffer.from('keyferry'), [name]);
    expect(info).toMatchObject({ state: 'with-group', group: { pending: 0, lag: undefined } });
    const bounds = await boundLags(redis, [
      { name, lastDelivered: ids[2] ?? '' },
      { name, lastDelivered: ids[6] ?? '' },
      { name: Buffer.from('none'), lastDelivered: '0-0' },
    ]);
    expect(bounds).toEqual([6, 0, undefined]);
    await redis.close();
  });

  test('reads large entries a few at a time', async () => {
    const large = Buffer.alloc(400_000, 'x');
    for (let n = 0; n < 30; n += 1) await fixture.redis.xadd('orders', '*', 'customer', 'c', 'blob', large);
    const running = fixture.start();
    await fixture.published(running, 30);
    await fixture.settled();
    expect(running.metrics.counts).toEqual({ published: 30, durations: 30 });
  });

  test('stops while it waits for entries, and reads no further', async () => {
    await fixture.add('orders', 1);
    const running = fixture.start();
    await fixture.published(running, 1);
    await fixture.settled();
    const reads = async (): Promise<number> =>
      Number(/cmdstat_xreadgroup:calls=(\d+)/.exec(await fixture.redis.info('commandstats'))?.[1]);
    const before = await reads();
    await running.stop();
    // The one under way, and one that began while the count was asked for.
    expect((await reads()) - before).toBeLessThanOrEqual(2);
    expect(running.source.status().state).toBe('stopped');
  });

  test('waits for a Redis that is not there yet, and says so', async () => {
    await fixture.server.stop();
    const running = fixture.start();
    await eventually(() => running.source.health().join().includes('ECONNREFUSED'), { what: 'the source to say so' });
    await fixture.server.start();
    await fixture.add('orders', 1);
    await fixture.published(running, 1);
    await eventually(() => running.source.health().length === 0, { what: 'the source to be well' });
  });

  test.each(['xreadgroup', 'xack', 'xinfo'])('fails where its user may not run %s', async (command) => {
    await fixture.add('orders', 1);
    await fixture.redis.call('ACL', 'SETUSER', 'default', `-${command}`);
    await expect(fixture.start().ended).rejects.toMatchObject({ code: 'KF_REDIS_PERMISSION' });
  });
});
