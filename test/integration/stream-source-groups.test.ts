import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { StreamFixture } from './stream-fixture.ts';

describe('the consumer group of a stream source', () => {
  const fixture = new StreamFixture();

  /** As a consumer that reads entries and then is heard of no more. */
  const leavePending = async (consumer: string, count: number): Promise<void> => {
    await fixture.redis.xgroup('CREATE', 'orders', 'keyferry', '0').catch(() => undefined);
    await fixture.redis.xreadgroup('GROUP', 'keyferry', consumer, 'COUNT', count, 'STREAMS', 'orders', '>');
  };
  const idsOnTopic = async (): Promise<readonly string[]> => (await fixture.records()).map(({ id }) => id);

  test('gives its own pending entries first, after a restart', async () => {
    const ids = await fixture.add('orders', 1_000, 1);
    await leavePending('here', 700);
    const running = fixture.start();
    await fixture.published(running, 1_000);
    await fixture.settled();
    expect(await idsOnTopic()).toEqual(ids);
  });

  test('gives what another consumer left behind, once it is old enough', async () => {
    const ids = await fixture.add('orders', 600, 1);
    await leavePending('dead', 550);
    const patient = fixture.start();
    await fixture.published(patient, 50);
    await patient.stop();
    expect(patient.metrics.counts['claimed']).toBeUndefined();
    const running = fixture.start({ claimAfterMs: 300 });
    await fixture.published(running, 550);
    await fixture.settled();
    expect(new Set(await idsOnTopic())).toEqual(new Set(ids));
    expect(running.metrics.counts).toEqual({ claimed: 550, published: 550, durations: 550 });
  });

  test('gives old entries of another consumer before new ones at the start, so that their order holds', async () => {
    const ids = await fixture.add('orders', 100, 1);
    await leavePending('dead', 60);
    await eventually(
      async () => (await fixture.redis.xpending('orders', 'keyferry', 'IDLE', 200, '-', '+', 1)).length > 0,
    );
    const running = fixture.start({ claimAfterMs: 150 });
    await fixture.published(running, 100);
    expect(await idsOnTopic()).toEqual(ids);
  });

  test('loses entries that someone deleted while they were pending, which is counted and said', async () => {
    const ids = await fixture.add('orders', 10, 1);
    await leavePending('here', 4);
    await fixture.redis.xdel('orders', ids[1] ?? '');
    const running = fixture.start({ claimAfterMs: 100 });
    await fixture.published(running, 9);
    await fixture.settled();
    expect(running.metrics.counts).toEqual({ published: 9, deleted: 1, durations: 9 });
    expect(running.log.lines).toContainEqual(expect.stringContaining('deleted from the stream'));
    expect(await idsOnTopic()).toEqual(ids.filter((id) => id !== ids[1]));
  });

  test('loses entries that someone deleted while another consumer had them', async () => {
    const ids = await fixture.add('orders', 10, 1);
    await leavePending('dead', 3);
    await fixture.redis.xdel('orders', ids[1] ?? '');
    const running = fixture.start({ claimAfterMs: 100 });
    await fixture.published(running, 9);
    await fixture.settled();
    // Redis 6.2 hands over what is deleted as well; that it is comes out as it is read.
    const [isSince7] = (await fixture.redis.call('COMMAND', 'INFO', 'EVAL_RO')) as unknown[];
    const claimed = isSince7 === null ? 3 : 2;
    expect(running.metrics.counts).toMatchObject({ published: 9, deleted: 1, claimed });
    expect(new Set(await idsOnTopic())).toEqual(new Set(ids.filter((id) => id !== ids[1])));
  });

  test('is made again where it was destroyed, and what the stream holds comes again', async () => {
    const ids = await fixture.add('orders', 10, 1);
    const running = fixture.start();
    await fixture.published(running, 10);
    await fixture.settled();
    await fixture.redis.xgroup('DESTROY', 'orders', 'keyferry');
    const more = await fixture.add('orders', 5, 1);
    await fixture.published(running, 25);
    await fixture.settled();
    expect(await idsOnTopic()).toEqual([...ids, ...ids, ...more]);
    expect(running.metrics.counts['groups remade']).toBe(1);
    expect(running.log.lines).toContainEqual(expect.stringMatching(/^warn the consumer group had gone and was made/));
  });

  test('is made again for a stream that was deleted and began anew, with any IDs', async () => {
    await fixture.add('orders', 10, 1);
    const running = fixture.start();
    await fixture.published(running, 10);
    // At once: a source that looks in between finds none, and then one that is new.
    await fixture.redis.multi().del('orders').xadd('orders', '1-1', 'customer', 'c').exec();
    await fixture.published(running, 11);
    await fixture.settled();
    expect((await idsOnTopic()).at(-1)).toBe('1-1');
    expect(running.metrics.counts['groups remade']).toBe(1);
  });

  test('survives a flush of everything', async () => {
    await fixture.add('orders', 10, 1);
    const running = fixture.start();
    await fixture.published(running, 10);
    await fixture.redis.flushall();
    await eventually(() => running.source.status().streamsMissing === 1, { what: 'the stream to be missed' });
    const ids = await fixture.add('orders', 10, 1);
    await fixture.published(running, 20);
    expect((await idsOnTopic()).slice(-10)).toEqual(ids);
  });

  test('waits while its key is of another type, and says so; other streams go on', async () => {
    await fixture.add('customers', 1);
    await fixture.redis.set('orders', 'no stream');
    const running = fixture.start({ keys: ['orders', 'customers'] });
    await fixture.published(running, 1);
    const rows = { streams: [{ key: 'orders', state: 'wrong-type' }, { key: 'customers' }] };
    expect(running.source.status()).toMatchObject({ streamsOfWrongType: 1, ...rows });
    expect(running.log.lines.filter((line) => line.includes('no stream'))).toHaveLength(1);
    await fixture.redis.del('orders');
    await fixture.add('orders', 1);
    await fixture.published(running, 2);
    // And while it is being read.
    await fixture.redis.set('orders', 'no stream');
    await fixture.add('customers', 1);
    await fixture.published(running, 3);
    await eventually(() => running.source.status().streamsOfWrongType === 1, { what: 'the wrong type to be found' });
    expect(running.source.health()).toEqual([]);
  });

  test('shares a stream with other consumers: each entry is published, and acknowledged by the one that had it', async () => {
    const sources = ['one', 'two'].map((consumer) => fixture.start({ consumer, batch: 20 }));
    const ids = await fixture.add('orders', 2_000);
    await fixture.settled();
    expect(new Set(await idsOnTopic())).toEqual(new Set(ids));
    const total = sources.reduce((sum, { metrics }) => sum + (metrics.counts['published'] ?? 0), 0);
    expect(total).toBe(2_000);
  });
});

describe('trimming a stream of acknowledged entries', () => {
  const fixture = new StreamFixture();
  const acknowledged = { trim: 'acknowledged' } as const;

  test('removes what was published, and goes on with what comes', async () => {
    await fixture.add('orders', 2_500);
    const running = fixture.start(acknowledged);
    await fixture.published(running, 2_500);
    await eventually(async () => (await fixture.redis.xlen('orders')) === 0, { what: 'the stream to be empty' });
    await fixture.add('orders', 5);
    await fixture.published(running, 2_505);
    await eventually(async () => (await fixture.redis.xlen('orders')) === 0, { what: 'the stream to be empty' });
    await eventually(() => running.metrics.counts['trimmed'] === 2_505, { what: 'all to be counted' });
  });

  test('keeps what another group has not read, or read and not acknowledged', async () => {
    const ids = await fixture.add('orders', 1_000);
    await fixture.redis.xgroup('CREATE', 'orders', 'billing', '0');
    const running = fixture.start(acknowledged);
    await fixture.published(running, 1_000);
    await fixture.settled();
    const first = async (): Promise<string | undefined> =>
      (await fixture.redis.xrange('orders', '-', '+', 'COUNT', 1))[0]?.[0];
    const read = (count: number) =>
      fixture.redis.xreadgroup('GROUP', 'billing', 'x', 'COUNT', count, 'STREAMS', 'orders', '>');
    await read(600);
    await fixture.redis.xack('orders', 'billing', ...ids.slice(0, 250));
    await eventually(async () => (await first()) === ids[250], { what: 'the acknowledged entries to go' });
    await fixture.redis.xack('orders', 'billing', ...ids.slice(300, 600));
    await fixture.redis.xack('orders', 'billing', ...ids.slice(250, 299));
    await eventually(async () => (await first()) === ids[299], { what: 'all but the pending entry to stay' });
    expect(await fixture.redis.xlen('orders')).toBe(701);
    await fixture.redis.xack('orders', 'billing', ids[299] ?? '');
    await eventually(async () => (await first()) === ids[600], { what: 'the unread entries to stay' });
    expect(await fixture.redis.xlen('orders')).toBe(400);
  });

  test('keeps the order of IDs whose numbers have many digits', async () => {
    const ids = ['9-18446744073709551614', '10-1', '10-9007199254740993', '18446744073709551614-3'];
    for (const id of ids) await fixture.redis.xadd('orders', id, 'customer', 'c');
    await fixture.redis.xgroup('CREATE', 'orders', 'billing', '0');
    await fixture.redis.xreadgroup('GROUP', 'billing', 'x', 'COUNT', 3, 'STREAMS', 'orders', '>');
    await fixture.redis.xack('orders', 'billing', ...ids.slice(0, 2));
    const running = fixture.start(acknowledged);
    await fixture.published(running, 4);
    await eventually(async () => (await fixture.redis.xlen('orders')) === 2, { what: 'two entries to go' });
    expect((await fixture.redis.xrange('orders', '-', '+')).map(([id]) => id)).toEqual(ids.slice(2));
  });

  test('does not happen unless it is asked for', async () => {
    await fixture.add('orders', 100);
    const running = fixture.start();
    await fixture.published(running, 100);
    await fixture.settled();
    await running.stop();
    expect(await fixture.redis.xlen('orders')).toBe(100);
  });
});
