import { describe, expect, inject, test } from 'vitest';
import type { OutgoingRecord } from '../../src/clients/kafka/port.ts';
import { readTopic } from '../support/independent-reader.ts';
import { SinkFixture, set, text } from './sink-fixture.ts';

describe('I8: records that cannot be applied', () => {
  const fixture = new SinkFixture();
  const deadLetter = () => `${fixture.topic}.dead`;
  const letters = () => readTopic(inject('kafkaBrokers'), deadLetter());

  const poison = (): Record<string, Partial<OutgoingRecord>> => {
    const good = text('good', 'x');
    const headers = (change: [string, string] | undefined): Map<string, Buffer> => {
      const changed = new Map(good.headers);
      if (change !== undefined) changed.set(change[0], Buffer.from(change[1]));
      return changed;
    };
    const dump = { type: 'dump', redisType: 'string', payload: Buffer.from('no DUMP payload at all') } as const;
    return {
      'no headers of ours': { ...good, headers: new Map() },
      'another version': { ...good, headers: headers(['kf-v', '2']) },
      'damaged JSON': { ...good, value: Buffer.from('{"type":"string"') },
      'no JSON at all': { ...good, value: Buffer.from('plain') },
      'omitted value': set('good', {
        value: { type: 'omitted', redisType: 'hash', bytes: 5_000_000 },
        expireAt: undefined,
      }),
      'damaged DUMP': set('good', { value: dump, expireAt: undefined }, { format: 'dump' }),
      'module that is not there': set('good', {
        value: { type: 'json', document: Buffer.from('{}') },
        expireAt: undefined,
      }),
      'expiring fields, which this server does not know': set('good', {
        value: { type: 'hash', entries: [Buffer.from('f'), Buffer.from('v')], fieldExpireAt: [Date.now() + 100_000] },
        expireAt: undefined,
      }),
      'IDs of a stream that do not ascend': set('good', {
        value: {
          type: 'stream',
          stream: {
            lastId: '2-0',
            groups: [],
            entries: [
              { id: '2-0', fields: [] },
              { id: '1-0', fields: [] },
            ],
          },
        },
        expireAt: undefined,
      }),
    };
  };

  test('of several partitions at once become one letter each, and none is lost', async () => {
    const topic = `${fixture.topic}.wide`;
    const admin = fixture.kafka().admin();
    await admin.create({ name: topic, partitions: 8, config: {} });
    await admin.close();
    const count = 400;
    const bad = Array.from({ length: count }, (_, at) => ({ topic, partition: at % 8, key: Buffer.from(`k${at}`) }));
    for (let at = 0; at < count; at += 40) await fixture.send(...bad.slice(at, at + 40));
    fixture.start({ topics: [topic], deadLetter: deadLetter(), format: 'json', key: '{value.id}', as: 'string' });
    await fixture.caughtUp();
    const found = (await letters()).map(({ key }) => key);
    expect([found.length, new Set(found).size]).toEqual([count, count]);
  });

  test('go to the dead-letter topic, unchanged, with place and cause; their key keeps what it had', async () => {
    fixture.start({ deadLetter: deadLetter() });
    await fixture.redis.set('good', 'before');
    const bad = Object.values(poison());
    const { counts } = await fixture.apply({ key: null, value: Buffer.from('x') }, ...bad, text('other', 'applied'));
    expect(await fixture.redis.mget('good', 'other')).toEqual(['before', 'applied']);
    expect(counts).toMatchObject({ applied: 1, 'dead-lettered': bad.length + 1 });
    const found = (await letters()).toSorted(
      (a, b) => Number(a.headers['__connect.errors.offset']) - Number(b.headers['__connect.errors.offset']),
    );
    expect(found.map(({ value }) => value)).toEqual([Buffer.from('x'), ...bad.map(({ value }) => value)]);
    expect(found.map(({ headers }) => headers['__connect.errors.exception.class.name'])).toEqual([
      'KF_RECORD_UNREADABLE',
      'KF_RECORD_UNREADABLE',
      'KF_RECORD_UNREADABLE',
      'KF_RECORD_UNREADABLE',
      'KF_RECORD_UNREADABLE',
      'KF_RECORD_OMITTED',
      'KF_REDIS_REFUSED',
      'KF_REDIS_REFUSED',
      'KF_REDIS_REFUSED',
      'KF_RECORD_UNREADABLE',
    ]);
    expect(found[6]).toMatchObject({
      key: 'good',
      headers: {
        'kf-op': 'set',
        '__connect.errors.topic': fixture.topic,
        '__connect.errors.partition': '0',
        '__connect.errors.offset': '6',
        '__connect.errors.connector.name': 'profiles',
        '__connect.errors.stage': 'TASK_PUT',
        '__connect.errors.exception.message': expect.stringContaining('DUMP payload') as string,
      },
    });
  });

  test('leave the key to the record before them in the batch', async () => {
    const bad = Object.values(poison());
    await fixture.send(text('good', 'first'), ...bad);
    fixture.start({ deadLetter: deadLetter() });
    const { counts } = await fixture.apply();
    expect(await fixture.redis.get('good')).toBe('first');
    expect(counts).toEqual({ applied: 1, 'dead-lettered': bad.length });
  });

  test('that a later record of the key supersedes need not be applied', async () => {
    await fixture.send(...Object.values(poison()), text('good', 'last'));
    const { counts } = await fixture.apply();
    expect(await fixture.redis.get('good')).toBe('last');
    expect(counts['dead-lettered']).toBeUndefined();
  });

  test('stop a sink that has no dead-letter topic, which says where and what to do; nothing is skipped', async () => {
    await fixture.send(text('a', '1'), { ...text('bad', 'x'), value: Buffer.from('{') }, text('b', '2'));
    const { ended, sink } = fixture.start();
    await expect(ended).rejects.toMatchObject({
      code: 'KF_SINK_STOPPED',
      message: expect.stringMatching(
        `sink profiles cannot apply the record at ${fixture.topic}, partition 0, offset 1 .*JSON.*deadLetter`,
      ) as string,
    });
    expect(sink.status().state).toBe('stopped');
    expect(await fixture.redis.mget('a', 'b')).toEqual(['1', '2']);
    await fixture.redis.del('a', 'b');
    fixture.start({ deadLetter: deadLetter() });
    await fixture.caughtUp();
    expect(await fixture.redis.mget('a', 'bad', 'b')).toEqual(['1', null, '2']);
    expect(await letters()).toHaveLength(1);
  });
});
