import { describe, expect, test } from 'vitest';
import type { OutgoingRecord } from '../../src/clients/kafka/port.ts';
import { SinkFixture, gone, set, text } from './sink-fixture.ts';

const hash = (key: string, ...entries: string[]): Partial<OutgoingRecord> =>
  set(key, { value: { type: 'hash', entries: entries.map((each) => Buffer.from(each)) }, expireAt: undefined });

describe('the order of records', () => {
  const fixture = new SinkFixture();

  test('a tombstone takes the key away, and one for an absent key does nothing', async () => {
    await fixture.redis.set('there', 'x');
    const { counts } = await fixture.apply(gone('there'), gone('never there'));
    expect(await fixture.redis.exists('there', 'never there')).toBe(0);
    expect(counts['dead-lettered']).toBeUndefined();
  });

  test('a SET and a tombstone of one key in one batch, in both orders, end as the order says', async () => {
    await fixture.send(
      text('a', '1'),
      gone('a'),
      gone('b'),
      text('b', '1'),
      text('c', '1'),
      gone('c'),
      hash('c', 'f', '2'),
    );
    const { counts } = await fixture.apply();
    expect(await fixture.redis.exists('a')).toBe(0);
    expect(await fixture.redis.get('b')).toBe('1');
    expect(await fixture.redis.hgetall('c')).toEqual({ f: '2' });
    expect(counts).toEqual({ applied: 3, superseded: 4 });
  });

  test('a key that changes its type and loses its expiry ends as its last record says', async () => {
    const soon = Date.now() + 3_600_000;
    await fixture.apply(set('k', { value: { type: 'string', value: Buffer.from('x') }, expireAt: soon }));
    await fixture.apply(hash('k', 'field', 'value'));
    expect(await fixture.redis.hgetall('k')).toEqual({ field: 'value' });
    expect(await fixture.redis.pttl('k')).toBe(-1);
  });

  test('I6: records that are delivered twice leave the keys as once', async () => {
    const records = [text('a', '1'), hash('h', 'x', 'y'), gone('a'), text('b', '2'), hash('h', 'z', 'w'), gone('c')];
    await fixture.apply(...records);
    const look = async () => [await fixture.redis.hgetall('h'), await fixture.redis.mget('a', 'b', 'c')];
    const once = await look();
    fixture.start({ group: `${fixture.group}-again` });
    await fixture.caughtUp();
    expect(await look()).toEqual(once);
  });
});

describe("I7: the Redis' own records", () => {
  const fixture = new SinkFixture();

  test('those of the very database are passed over; of another database or Redis they are applied', async () => {
    await fixture.redis.set('__keyferry__:origin', 'this Redis');
    const own = { origin: 'this Redis' };
    await fixture.redis.set('a', 'newer');
    const { counts } = await fixture.apply(
      text('a', 'older', own),
      text('b', 'from db 1', { ...own, db: 1 }),
      text('c', 'from elsewhere'),
      text('c', 'own', own),
    );
    expect(await fixture.redis.mget('a', 'b', 'c')).toEqual(['newer', 'from db 1', 'from elsewhere']);
    expect(counts).toEqual({ own: 2, applied: 2 });
  });

  test('they are known by the id that stands in Redis now: another dataset makes them strangers', async () => {
    await fixture.redis.set('__keyferry__:origin', 'this Redis');
    await fixture.apply(text('a', 'own', { origin: 'this Redis' }));
    expect(await fixture.redis.exists('a')).toBe(0);
    await fixture.redis.flushall();
    await fixture.redis.set('__keyferry__:origin', 'another dataset');
    await fixture.apply(text('a', 'now foreign', { origin: 'this Redis' }));
    expect(await fixture.redis.get('a')).toBe('now foreign');
  });

  test('a Redis without an id gets one', async () => {
    await fixture.apply(text('a', 'x'));
    expect(await fixture.redis.get('__keyferry__:origin')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("Keyferry's own keys are never written", async () => {
    const { counts } = await fixture.apply(text('__keyferry__:canary', 'x'), gone('__keyferry__:origin'));
    expect(await fixture.redis.exists('__keyferry__:canary')).toBe(0);
    expect(await fixture.redis.exists('__keyferry__:origin')).toBe(1);
    expect(counts['reserved']).toBe(2);
  });
});
