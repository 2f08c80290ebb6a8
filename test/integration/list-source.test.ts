import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { readTopic } from '../support/independent-reader.ts';
import { ListFixture, MARK, PROCESSING, jobs } from './list-fixture.ts';

const UNIX_MS: unknown = expect.stringMatching(/^\d{13}$/);

describe('a list source', () => {
  const fixture = new ListFixture();

  test('publishes each item as it is, without a key, and says where it comes from', async () => {
    await fixture.redis.set('__keyferry__:origin', 'this-redis');
    await fixture.add([Buffer.from([0xff, 0x00, 0x0a])]);
    const running = fixture.start();
    await fixture.published(running, 1);
    await fixture.settled();
    const [record, ...others] = await readTopic(fixture.brokers, fixture.topic);
    expect(others).toEqual([]);
    expect(record).toMatchObject({ key: '', value: Buffer.from([0xff, 0x00, 0x0a]) });
    expect(record?.headers).toEqual({ 'kf-list': 'jobs', 'kf-ts': UNIX_MS, 'kf-origin': 'this-redis', 'kf-v': '1' });
    expect(running.metrics.counts).toEqual({ published: 1, durations: 1 });
    expect(running.source.health()).toEqual([]);
    const topic = await fixture.admin.describe(fixture.topic);
    expect(topic?.config.get('cleanup.policy')).toBe('delete');
  });

  test('takes in the order of a worker that pops from the right, over many batches', async () => {
    await fixture.add(jobs(5_000));
    const running = fixture.start({ batch: 300, recordKey: 'queue:{key}' });
    await fixture.add(jobs(5_000, 5_000));
    await fixture.published(running, 10_000);
    await fixture.settled();
    const records = await readTopic(fixture.brokers, fixture.topic);
    expect(records.map(({ value }) => String(value))).toEqual(jobs(10_000));
    expect(new Set(records.map(({ key }) => key))).toEqual(new Set(['queue:jobs']));
  });

  test('takes from the left where told so', async () => {
    await fixture.redis.rpush('jobs', ...jobs(1_000));
    const running = fixture.start({ take: 'left', batch: 64 });
    await fixture.published(running, 1_000);
    await fixture.redis.rpush('jobs', ...jobs(3, 1_000));
    await fixture.published(running, 1_003);
    expect(await fixture.values()).toEqual(jobs(1_003));
  });

  test('has Redis wake an idle source when an item comes, and costs an idle Redis little', async () => {
    const running = fixture.start();
    await eventually(() => running.metrics.lengthOf() === 0, { what: 'the source to run' });
    const isBlocked = async (): Promise<boolean> => (await fixture.redis.info('clients')).includes('blocked_clients:1');
    await eventually(isBlocked, { what: 'it to wait in Redis' });
    await fixture.add(['hello']);
    await fixture.published(running, 1);
    await fixture.settled();
    const processed = async (): Promise<number> =>
      Number(/total_commands_processed:(\d+)/.exec(await fixture.redis.info('stats'))?.[1]);
    const commands = await processed();
    const start = performance.now();
    await eventually(() => performance.now() - start > 2_000, { what: 'two idle seconds' });
    const more = (await processed()) - commands;
    expect(more / ((performance.now() - start) / 1_000)).toBeLessThan(50);
  });

  test('waits for a list that is not there, and takes it when it comes; several lists at once', async () => {
    const running = fixture.start({ keys: ['jobs', 'mails:{eu}:high'], topic: `${fixture.topic}.{3}` });
    const areTaken = (): boolean =>
      running.source.status().lists.filter(({ state, length }) => state === 'taking' && length === 0).length === 2;
    await eventually(areTaken, { what: 'both lists to be looked at' });
    expect(running.metrics.lengthOf()).toBe(0);
    await fixture.add(['mail'], 'mails:{eu}:high');
    await fixture.published(running, 1);
    await fixture.add(['job']);
    await fixture.published(running, 2);
    expect(await fixture.values(`${fixture.topic}.high`)).toEqual(['mail']);
    expect(await fixture.values(`${fixture.topic}.none`)).toEqual(['job']);
  });

  test('removes exactly what Kafka holds, where many items are equal', async () => {
    await fixture.add(Array.from({ length: 3_000 }, () => 'tick'));
    const running = fixture.start({ batch: 7 });
    await fixture.published(running, 3_000);
    await fixture.settled();
    expect(await fixture.values()).toHaveLength(3_000);
  });

  test('leaves nothing behind in Redis when it stops', async () => {
    await fixture.add(jobs(100));
    const running = fixture.start();
    await fixture.published(running, 100);
    await running.stop();
    expect(await fixture.redis.keys('*')).toEqual(['__keyferry__:origin']);
    expect(running.source.status().state).toBe('stopped');
  });

  test('publishes what stands in the processing list first, in order', async () => {
    await fixture.redis.rpush(PROCESSING, ...jobs(700));
    await fixture.add(jobs(10, 700));
    const running = fixture.start({ batch: 100 });
    await fixture.published(running, 710);
    await fixture.settled();
    expect(await fixture.values()).toEqual(jobs(710));
    expect(running.source.status().lists).toMatchObject([{ key: 'jobs', recovered: 700, inFlight: 0 }]);
    expect(running.log.lines).toContain('info items stand in the processing list; they are published first');
  });

  test('goes on with the other lists while one is of another type, looks again, and says so', async () => {
    await fixture.redis.set('jobs', 'no list');
    const running = fixture.start({ keys: ['jobs', 'mails'] });
    await fixture.add(jobs(3), 'mails');
    await fixture.published(running, 3);
    await eventually(() => running.source.status().lists[0]?.state === 'wrong-type', { what: 'the wrong type' });
    expect(running.log.lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
    await fixture.redis.del('jobs');
    await fixture.add(jobs(2));
    await fixture.published(running, 5);
    await eventually(() => running.source.status().lists[0]?.state === 'taking', { what: 'it to say so' });
  });

  test('goes on when the key of its processing list is of another type, once that is put right', async () => {
    await fixture.redis.set(PROCESSING, 'no list');
    await fixture.add(jobs(3));
    const running = fixture.start();
    await eventually(() => running.source.status().lists[0]?.state === 'wrong-type', { what: 'the wrong type' });
    expect(await fixture.redis.llen('jobs')).toBe(3);
    await fixture.redis.del(PROCESSING);
    await fixture.published(running, 3);
  });

  test('says that someone has removed items from its processing list, and goes on', async () => {
    const running = fixture.start();
    await fixture.add(jobs(10));
    await fixture.published(running, 10);
    await fixture.settled();
    // As if ten more were in flight: the processing list is shorter than what was given out.
    await fixture.redis.set(MARK, (await fixture.redis.get(MARK))?.replace(/ \d+$/, ' 0') ?? '');
    await eventually(() => running.log.lines.some((line) => line.includes('items have gone')), { what: 'the warning' });
    await fixture.add(jobs(5, 10));
    await fixture.published(running, 15);
    expect(await fixture.values()).toEqual(jobs(15));
  });

  test('goes on after a flush, and says what happened', async () => {
    const running = fixture.start();
    await fixture.add(jobs(10));
    await fixture.published(running, 10);
    await fixture.redis.flushall();
    await fixture.add(jobs(5, 10));
    await fixture.published(running, 15);
    expect(running.log.lines.filter((line) => line.startsWith('warn'))).toEqual([
      expect.stringContaining('Redis was flushed'),
    ]);
  });

  test('hands the list over to a second daemon of the same source without losing an item', async () => {
    const first = fixture.start({ batch: 10 });
    await fixture.add(jobs(2_000));
    await fixture.published(first, 100);
    const second = fixture.start({ batch: 10 });
    await eventually(() => first.log.lines.some((line) => line.includes('another daemon')), { what: 'the warning' });
    await first.stop();
    await fixture.settled();
    await second.stop();
    expect(new Set(await fixture.values())).toEqual(new Set(jobs(2_000)));
  });

  test('tells how long the lists are', async () => {
    const running = fixture.start({ batch: 1 });
    expect(running.metrics.lengthOf()).toBeUndefined();
    await eventually(() => running.metrics.lengthOf() === 0, { what: 'the length to be known' });
    expect(running.source.status()).toMatchObject({ name: 'queue', type: 'list', state: 'running', length: 0 });
  });
});

describe('an item that is too large for its topic', () => {
  const fixture = new ListFixture();
  const large = 'x'.repeat(50_000);
  const addTooLarge = async (): Promise<void> => {
    await fixture.admin.create({ name: fixture.topic, partitions: 1, config: { 'max.message.bytes': '20000' } });
    await fixture.add(['one', 'two', large, 'three']);
  };

  test('goes to the dead-letter topic, with its cause; the others go on', async () => {
    await addTooLarge();
    const running = fixture.start({ deadLetter: `${fixture.topic}.dead` });
    await fixture.published(running, 3);
    await fixture.settled();
    // What was sent together with it may have been sent twice.
    expect(new Set(await fixture.values())).toEqual(new Set(['one', 'two', 'three']));
    const [letter, ...others] = await readTopic(fixture.brokers, `${fixture.topic}.dead`);
    expect(others).toEqual([]);
    expect(String(letter?.value)).toBe(large);
    expect(letter?.headers).toMatchObject({
      'kf-list': 'jobs',
      '__connect.errors.topic': fixture.topic,
      '__connect.errors.connector.name': 'queue',
      '__connect.errors.stage': 'KAFKA_PRODUCE',
      '__connect.errors.exception.class.name': 'KF_KAFKA_RECORD_TOO_LARGE',
    });
    expect(running.metrics.counts).toEqual({ published: 3, 'dead-lettered': 1, letters: 1, durations: 4 });
  });

  test('stops a source without a dead-letter topic, which says what to do; the item stays', async () => {
    await addTooLarge();
    const running = fixture.start();
    await expect(running.ended).rejects.toMatchObject({
      code: 'KF_SOURCE_STOPPED',
      message: expect.stringMatching(
        /from list jobs: an item of 50000 bytes is too large.*give the source a dead/,
      ) as string,
    });
    expect(await fixture.redis.lrange(PROCESSING, 0, -1)).toContain(large);
    const next = fixture.start({ deadLetter: `${fixture.topic}.dead` });
    await eventually(() => next.metrics.counts['dead-lettered'] === 1, { what: 'the dead letter' });
    await fixture.settled();
    expect(new Set(await fixture.values())).toEqual(new Set(['one', 'two', 'three']));
  });
});
