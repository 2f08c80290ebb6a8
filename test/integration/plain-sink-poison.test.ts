import { describe, expect, inject, test } from 'vitest';
import type { OutgoingRecord } from '../../src/clients/kafka/port.ts';
import type { PlainOptions } from '../../src/kafka-to-redis/plain/plain-options.ts';
import { readTopic } from '../support/independent-reader.ts';
import { SinkFixture } from './sink-fixture.ts';

const record = (key: string | null, value: string | Buffer | null): Partial<OutgoingRecord> => ({
  key: key === null ? null : Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
});

describe('records that a plain sink cannot apply', () => {
  const fixture = new SinkFixture();
  const deadLetter = () => `${fixture.topic}.dead`;
  const start = (options: Partial<PlainOptions> = {}) =>
    fixture.start({ format: 'json', key: '{key}', as: 'string', deadLetter: deadLetter(), ...options });
  const letters = async () =>
    (await readTopic(inject('kafkaBrokers'), deadLetter())).toSorted((a, b) => offsetOf(a) - offsetOf(b));
  const offsetOf = ({ headers }: { headers: Readonly<Record<string, string>> }): number =>
    Number(headers['__connect.errors.offset']);
  const reasons = async () => (await letters()).map(({ headers }) => headers['__connect.errors.exception.message']);

  test.each(['string', 'list'] as const)(
    'go to the dead letters unchanged, the others are a %s in order',
    async (as) => {
      start({ as, key: 'k{value.id}', push: 'right' });
      const bad = ['{', '', '[1]', '{"id":null}', '{"id":[]}', '{"id":1,"id":2}', Buffer.from([0x22, 0xff, 0x22])];
      const good = ['{"id":1}', '{"id":1,"n":2}'];
      const { counts } = await fixture.apply(
        record('a', good[0] ?? ''),
        ...bad.map((value) => record('a', value)),
        record('a', good[1] ?? ''),
      );
      if (as === 'string') expect(await fixture.redis.get('k1')).toBe(good[1]);
      else expect(await fixture.redis.lrange('k1', 0, -1)).toEqual(good);
      expect(await fixture.redis.keys('k*')).toEqual(['k1']);
      expect(counts['dead-lettered']).toBe(bad.length);
      const found = await letters();
      expect(found.map(({ key, value }) => [key, value])).toEqual(bad.map((value) => ['a', Buffer.from(value)]));
      expect(found[0]?.headers).toMatchObject({
        '__connect.errors.topic': fixture.topic,
        '__connect.errors.partition': '0',
        '__connect.errors.offset': '1',
        '__connect.errors.connector.name': 'profiles',
        '__connect.errors.stage': 'VALUE_CONVERTER',
        '__connect.errors.exception.class.name': 'KF_RECORD_UNREADABLE',
        '__connect.errors.exception.message': 'the JSON is damaged at character 1',
      });
    },
  );

  test('are those without a key', async () => {
    start({ format: 'string' });
    await fixture.apply(record(null, 'x'));
    expect(await reasons()).toEqual(['the record has no key']);
  });

  test('are nulls where the key needs the value', async () => {
    start({ key: '{value.id}' });
    await fixture.apply(record('k', null));
    expect(await reasons()).toEqual(['the value is null, and the key needs a part of it']);
  });

  test.each([
    ['list', 'zset', '"x"'],
    ['stream', 'list', '{"a":1}'],
  ] as const)('are those for a %s whose key holds another type; other keys go on', async (as, other, value) => {
    start({ as });
    if (other === 'zset') await fixture.redis.zadd('taken', 1, 'm');
    else await fixture.redis.rpush('taken', 'm');
    const records = ['free', 'taken', 'free', 'taken', 'free'].map((key) => record(key, value));
    const { counts } = await fixture.apply(...records);
    expect(counts).toEqual({ applied: 3, 'dead-lettered': 2 });
    expect(await fixture.redis.type('taken')).toBe(other);
    expect(await reasons()).toEqual(
      Array(2).fill(`Redis refused the record: WRONGTYPE the key holds a ${other}, and no ${as}`),
    );
    expect((await letters())[0]?.headers).toMatchObject({
      '__connect.errors.stage': 'TASK_PUT',
      '__connect.errors.exception.class.name': 'KF_REDIS_REFUSED',
    });
    await fixture.redis.del('taken');
    await fixture.apply(record('taken', value));
    expect(await fixture.redis.type('taken')).toBe(as);
  });

  test('are JSON documents where the server has no module for them; the key keeps what it had', async () => {
    start({ as: 'json' });
    await fixture.redis.set('k', 'before');
    const { counts } = await fixture.apply(record('k', '{"a":1}'));
    expect(counts).toEqual({ 'dead-lettered': 1 });
    expect(await fixture.redis.get('k')).toBe('before');
    expect((await reasons())[0]).toContain(
      'unknown command JSON.SET: this server lacks it, or the module that brings it',
    );
  });

  test('are those that no ID of a stream is left for', async () => {
    start({ format: 'string', as: 'stream' });
    await fixture.redis.xadd('full', '18446744073709551615-18446744073709551615', 'last', 'one');
    const { counts } = await fixture.apply(record('full', 'x'), record('free', 'x'), record('full', 'y'));
    expect(counts).toEqual({ applied: 1, 'dead-lettered': 2 });
    expect(await fixture.redis.xlen('free')).toBe(1);
  });

  test.each(['string', 'list', 'stream'] as const)(
    'are those beyond proto-max-bulk-len, at which Redis would hang up, for a %s',
    async (as) => {
      await fixture.redis.config('SET', 'proto-max-bulk-len', '1048576');
      const admin = fixture.kafka().admin();
      for (const name of [deadLetter(), `${fixture.topic}.large`]) {
        await admin.create({ name, partitions: 1, config: { 'max.message.bytes': '3000000' } });
      }
      await admin.close();
      start({ format: 'string', as, topics: [`${fixture.topic}.large`] } as Partial<PlainOptions>);
      const large = { ...record('large', Buffer.alloc(1_200_000)), topic: `${fixture.topic}.large` };
      const small = { ...record('small', 'x'), topic: `${fixture.topic}.large` };
      const { counts } = await fixture.apply(large, small);
      expect(counts).toEqual({ applied: 1, 'dead-lettered': 1 });
      expect(await fixture.redis.exists('large', 'small')).toBe(1);
      expect((await reasons())[0]).toContain('a string of 1200000 bytes is beyond the 1048576');
    },
  );

  test.each(['string', 'list'] as const)(
    'stop a sink of a %s that has no dead letters; nothing is skipped',
    async (as) => {
      await fixture.send(record('a', '"1"'), record('b', '{'), record('a', '"2"'));
      const { ended } = fixture.start({ format: 'json', key: '{key}', as, push: 'right' });
      await expect(ended).rejects.toMatchObject({
        code: 'KF_SINK_STOPPED',
        message: expect.stringContaining('partition 0, offset 1 (KF_RECORD_UNREADABLE: the JSON is damaged') as string,
      });
      const { outcomes } = start({ as, push: 'right' });
      await fixture.caughtUp();
      expect(outcomes.counts['dead-lettered']).toBe(1);
      if (as === 'list') expect(await fixture.redis.lrange('a', 0, -1)).toEqual(['1', '2']);
      else expect(await fixture.redis.get('a')).toBe('2');
    },
  );
});
