import { describe, expect, test } from 'vitest';
import { StreamFixture } from './stream-fixture.ts';

describe('I8: entries that cannot become records', () => {
  const fixture = new StreamFixture();
  const deadLetter = (): string => `${fixture.topic}.dead`;

  /** The third of five lacks the field that gives the key. */
  const addWithoutKey = async (): Promise<string> => {
    await fixture.add('orders', 2);
    const id = await fixture.redis.xadd('orders', '*', 'other', 'x');
    await fixture.add('orders', 2);
    return String(id);
  };
  /** As addWithoutKey, the third being too large for the topic. */
  const addTooLarge = async (): Promise<string> => {
    const config = { 'max.message.bytes': '20000' };
    await fixture.admin.create({ name: fixture.topic, partitions: 1, config });
    await fixture.add('orders', 2);
    const id = await fixture.redis.xadd('orders', '*', 'customer', 'c9', 'blob', 'x'.repeat(2_000_000));
    await fixture.add('orders', 2);
    return String(id);
  };

  test('go to the dead-letter topic, with place and cause, where a field is missing; the others go on', async () => {
    const id = await addWithoutKey();
    const running = fixture.start({ deadLetter: deadLetter() });
    await fixture.published(running, 4);
    await fixture.settled();
    const [letter, ...others] = await fixture.records(deadLetter());
    expect(others).toEqual([]);
    expect(letter).toMatchObject({ key: '', id, stream: 'orders', value: { other: 'x' } });
    expect(letter?.headers).toMatchObject({
      '__connect.errors.topic': fixture.topic,
      '__connect.errors.connector.name': 'orders',
      '__connect.errors.stage': 'KEY_CONVERTER',
      '__connect.errors.exception.class.name': 'KF_RECORD_KEY_MISSING',
      '__connect.errors.exception.message': 'the entry has no field "customer"',
    });
    expect(running.metrics.counts).toEqual({ published: 4, 'dead-lettered': 1, letters: 1, durations: 5 });
    expect(running.source.health()).toEqual([]);
  });

  test('go there too where the record is too large for its topic, which the dead-letter topic is not', async () => {
    const id = await addTooLarge();
    const running = fixture.start({ deadLetter: deadLetter() });
    await fixture.published(running, 4);
    await fixture.settled();
    const [letter] = await fixture.records(deadLetter());
    expect(letter).toMatchObject({ key: 'c9', id, value: { blob: expect.stringMatching(/^x{2000000}$/) as string } });
    expect(letter?.headers['__connect.errors.stage']).toBe('KAFKA_PRODUCE');
    expect(letter?.headers['__connect.errors.exception.class.name']).toBe('KF_KAFKA_RECORD_TOO_LARGE');
    expect(running.metrics.counts).toMatchObject({ published: 4, 'dead-lettered': 1, letters: 1 });
  });

  test('stop a source without a dead-letter topic, which says where and what to do; what came before is carried', async () => {
    const id = await addWithoutKey();
    const running = fixture.start();
    await expect(running.ended).rejects.toMatchObject({
      code: 'KF_SOURCE_STOPPED',
      message: expect.stringMatching(`entry ${id} of stream orders .*no field "customer".*deadLetter`) as string,
    });
    expect(running.source.status().state).toBe('stopped');
    expect(await fixture.records()).toHaveLength(2);
    const [summary] = (await fixture.redis.xpending('orders', 'keyferry')) as [number];
    expect(summary).toBe(3);
    // The operator gives it one.
    const next = fixture.start({ deadLetter: deadLetter() });
    await fixture.published(next, 2);
    await fixture.settled();
    expect(next.metrics.counts).toMatchObject({ published: 2, 'dead-lettered': 1 });
    expect(await fixture.records()).toHaveLength(4);
  });

  test('stop a source whose record is too large, without a dead-letter topic', async () => {
    const id = await addTooLarge();
    const running = fixture.start();
    await expect(running.ended).rejects.toMatchObject({
      code: 'KF_SOURCE_STOPPED',
      message: expect.stringMatching(
        `entry ${id} of stream orders .*KF_KAFKA_RECORD_TOO_LARGE.*has no dead-letter`,
      ) as string,
    });
  });

  test('stop a source whose dead-letter topic does not take them either', async () => {
    const config = { 'max.message.bytes': '20000' };
    await fixture.admin.create({ name: deadLetter(), partitions: 1, config });
    await addTooLarge();
    const running = fixture.start({ deadLetter: deadLetter() });
    await expect(running.ended).rejects.toMatchObject({
      code: 'KF_SOURCE_STOPPED',
      message: expect.stringContaining('the dead-letter topic does not take it') as string,
    });
  });

  test('never reach Redis: a template that is none is refused at once', () => {
    expect(() => fixture.start({ recordKey: '{field}' })).toThrow('unknown placeholder {field}');
  });
});
