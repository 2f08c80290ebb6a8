import { randomUUID } from 'node:crypto';
import { describe, expect, inject, it } from 'vitest';
import type { LetterRow } from '../../src/dead-letters/letters.ts';
import { eventually } from '../support/eventually.ts';
import { readTopic } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';
import { AdminFixture, type Answer, READER } from './admin-fixture.ts';

const fixture = new AdminFixture();
const record = (key: string | Buffer, value: string) => ({ key: Buffer.from(key), value: Buffer.from(value) });
const list = async (query = ''): Promise<readonly LetterRow[]> =>
  (await fixture.ask('GET', `/dead-letters${query}`, undefined, READER)).body['letters'] as LetterRow[];
const retry = (which: object) => fixture.ask('POST', '/dead-letters/retry', which);
const discard = (which: object) => fixture.ask('POST', '/dead-letters/discard', which);
/** By all of these together. */
const discarded = (answers: readonly Answer[]): number =>
  answers.reduce((sum, { body }) => sum + Number(body['discarded'] ?? 0), 0);
const untilListed = (count: number) => {
  const look = async (): Promise<void> => {
    const letters = await list();
    expect(letters, JSON.stringify(letters, undefined, 1)).toHaveLength(count);
  };
  return eventually(look, { what: `${count} letters to be listed` });
};

describe('letters of a sink that replaces', () => {
  /** Texts are no hashes; as strings they can be written. */
  const start = async () => {
    const { server, redis } = await fixture.redis();
    const topic = await fixture.topic(2);
    const deadLetter = `${topic}.dead`;
    const sink = {
      name: 'profiles',
      topics: [topic],
      group: topic,
      format: 'json',
      key: '{key}',
      as: 'hash',
      deadLetter,
    };
    const other = {
      ...sink,
      name: 'log',
      group: `${topic}-2`,
      key: 'log',
      as: 'list',
      deadLetter: `${topic}.log.dead`,
    };
    await fixture.start({ redis: { url: server.url }, sinks: [sink, other] });
    const mend = async (): Promise<void> => {
      sink.as = 'string';
      await fixture.restart();
    };
    return { topic, deadLetter, redis, mend };
  };

  it('are listed with place, cause and key, by pages', async () => {
    const { topic, deadLetter } = await start();
    await fixture.send(topic, record('one', '"text"'), record(Buffer.from([0xff]), '1'), record('three', '2'));
    await untilListed(3);
    const first = await fixture.ask('GET', `/dead-letters?topic=${deadLetter}&limit=2`);
    const [letter] = first.body['letters'] as LetterRow[];
    expect(letter).toMatchObject({
      id: `${deadLetter}/0/0`,
      flow: 'profiles',
      cause: 'KF_RECORD_UNREADABLE',
      message: expect.stringContaining('a hash is made of a JSON object') as string,
      origin: { topic, offset: expect.stringMatching(/^\d$/) as string },
    });
    const { body } = await fixture.ask('GET', `/dead-letters?limit=2&after=${String(first.body['next'])}`);
    const rows = [...(first.body['letters'] as LetterRow[]), ...(body['letters'] as LetterRow[])];
    expect(rows.map(({ key }) => key).toSorted()).toEqual([Buffer.from([0xff]).toString('base64'), 'one', 'three']);
    expect(rows.find(({ keyEncoding }) => keyEncoding === 'base64')).toMatchObject({ bytes: 1 });
    expect([rows.length, body['next']]).toEqual([3, null]);
    expect(await fixture.ask('GET', '/dead-letters?topic=secrets')).toMatchObject({ status: 404 });
    for (const query of ['limit=0', 'limit=501', 'after=x', 'pages=2'])
      expect((await fixture.ask('GET', `/dead-letters?${query}`)).status).toBe(400);
  });

  it('are applied once, by this sink alone, and never over a newer record of their key', async () => {
    const { topic, deadLetter, redis, mend } = await start();
    await fixture.send(topic, record('late', '"first"'), record('late', '"second"'), record('old', '"old"'));
    await untilListed(3);
    await fixture.send(topic, record('old', '{"is":"newer"}'), record('bad', '{'));
    // Two sinks put the last one aside.
    await untilListed(5);
    await eventually(async () => (await redis.llen('log')) === 4, { what: 'the other sink' });
    expect((await retry({ topic: deadLetter, all: true })).body).toMatchObject({ retried: 0, superseded: 1 });
    await mend();

    const { body } = await retry({ topic: deadLetter, all: true });
    expect(body).toMatchObject({ retried: 2, superseded: 0, alreadyDone: 0, more: false });
    expect(body['failed']).toMatchObject([{ message: expect.stringMatching(/^KF_RECORD_UNREADABLE: /) as string }]);
    expect([await redis.get('late'), await redis.hgetall('old')]).toEqual(['second', { is: 'newer' }]);
    expect([await redis.llen('log'), await fixture.ends(topic), await fixture.ends(deadLetter)]).toEqual([4, 5, 4]);
    expect((await list()).map(({ flow, key }) => [flow, key]).toSorted()).toEqual([
      ['log', 'bad'],
      ['profiles', 'bad'],
    ]);

    await fixture.restart();
    const ids = [0, 1, 2, 3].map((offset) => `${deadLetter}/0/${offset}`);
    expect((await retry({ ids: [...ids, ...ids] })).body).toMatchObject({ retried: 0, alreadyDone: 3 });
    // Without its memory it does it again, which changes nothing.
    await fixture.daemon.stop();
    await fixture.daemon.loseState();
    await fixture.daemon.start();
    await fixture.ready();
    expect((await retry({ ids })).body).toMatchObject({ retried: 2, superseded: 1 });
    expect([await redis.get('late'), await redis.hgetall('old')]).toEqual(['second', { is: 'newer' }]);
  });

  it('are retried while the sink is paused, and left alone where nobody can tell what came behind them', async () => {
    const { topic, deadLetter, redis, mend } = await start();
    await fixture.send(topic, record('one', '"text"'));
    await untilListed(1);
    const forged = new Map(
      [
        ['__connect.errors.topic', topic],
        ['__connect.errors.partition', '0'],
        ['__connect.errors.offset', '1000000'],
        ['__connect.errors.connector.name', 'profiles'],
      ].map(([name = '', value = '']) => [name, Buffer.from(value)]),
    );
    await fixture.send(deadLetter, { ...record('two', '"text"'), headers: forged }, record('three', 'of nobody'));
    await mend();
    await fixture.ask('PUT', '/sinks/profiles/pause');
    const { body } = await retry({ topic: deadLetter, all: true });
    expect(body).toMatchObject({ retried: 1 });
    expect(body['failed']).toMatchObject([
      { message: expect.stringContaining('no longer stands at') as string },
      { message: expect.stringContaining('do not tell which flow') as string },
    ]);
    expect([await redis.get('one'), await redis.exists('two', 'three')]).toEqual(['text', 0]);
  });

  it('are discarded for good, one bulk at a time, and unknown ones are told', async () => {
    const { topic, deadLetter } = await start();
    await fixture.send(topic, record('one', '1'), record('two', '2'), record('three', '3'));
    await untilListed(3);
    const first = `${deadLetter}/0/0`;
    expect(await discard({ ids: [first] })).toMatchObject({ status: 200, body: { discarded: 1, alreadyDone: 0 } });
    expect(await discard({ ids: [first] })).toMatchObject({ status: 200, body: { discarded: 0, alreadyDone: 1 } });
    expect((await discard({ ids: [`${deadLetter}/0/99`, 'secrets/0/0'] })).body['failed']).toEqual([
      { id: `${deadLetter}/0/99`, message: 'no letter stands there: it is past, or its topic has lost it' },
      { id: 'secrets/0/0', message: 'secrets is no dead-letter topic of a source or sink' },
    ]);
    // Which of them comes first, and whether they meet, is chance; sooner or later they do.
    const which = { topic: deadLetter, all: true };
    const answers: Answer[] = [];
    await eventually(async () => {
      answers.push(...(await Promise.all([discard(which), retry(which), discard(which), retry(which)])));
      return answers.some(({ status }) => status === 409) && discarded(answers) > 0;
    });
    const refused = answers.filter(({ status }) => status !== 200);
    for (const answer of refused) expect(answer).toMatchObject({ status: 409, body: { error: { code: 'KF_BUSY' } } });
    expect(discarded(answers)).toBe(2);
    await fixture.restart();
    expect(await list()).toEqual([]);
    for (const body of [
      {},
      { ids: [] },
      { ids: ['x'] },
      { topic: deadLetter },
      { ids: [first], topic: deadLetter, all: true },
    ])
      expect((await retry(body)).status).toBe(400);
    const many = Array.from({ length: 501 }, (_, at) => `${deadLetter}/0/${at}`);
    expect((await retry({ ids: many })).status).toBe(400);
    expect((await retry({ topic: 'secrets', all: true })).status).toBe(404);
    const told = { action: 'discard dead letters', by: 'admin token', status: 200, letters: 1, first, discarded: 1 };
    expect(fixture.audit[0]).toMatchObject(told);
  });
});

describe('letters of a sink that appends', () => {
  it('are added behind the others, once, even where nobody remembers that they were', async () => {
    const { server, redis } = await fixture.redis();
    const topic = await fixture.topic();
    const deadLetter = `${topic}.dead`;
    const sink = {
      name: 'jobs',
      topics: [topic],
      group: topic,
      format: 'string',
      key: 'jobs',
      as: 'list',
      push: 'right',
    };
    await redis.set('jobs', 'no list');
    await fixture.start({ redis: { url: server.url }, sinks: [{ ...sink, deadLetter }] });
    await fixture.send(topic, record('a', '1'), record('b', '2'));
    await untilListed(2);
    expect((await retry({ topic: deadLetter, all: true })).body['failed']).toHaveLength(2);
    await redis.del('jobs');
    await fixture.send(topic, record('c', '3'));
    await eventually(async () => (await redis.llen('jobs')) === 1);
    expect((await retry({ topic: deadLetter, all: true })).body).toMatchObject({ retried: 2, failed: [] });
    await fixture.daemon.stop();
    await fixture.daemon.loseState();
    await fixture.daemon.start();
    await fixture.ready();
    expect((await retry({ topic: deadLetter, all: true })).body).toMatchObject({ retried: 2, failed: [] });
    expect(await redis.lrange('jobs', 0, -1)).toEqual(['3', '1', '2']);
  });
});

describe('letters of a source', () => {
  it('are published to the topic that they were meant for, with the key that they have now', async () => {
    const { server, redis } = await fixture.redis();
    const topic = await fixture.topic(1, { 'max.message.bytes': '20000' });
    const deadLetter = `${topic}.dead`;
    const [orders, jobs] = [
      { name: 'orders', type: 'stream', keys: ['orders'], group: 'keyferry', topic, recordKey: '{field:customer}' },
      { name: 'jobs', type: 'list', keys: ['jobs'], topic },
    ];
    await fixture.start({
      redis: { url: server.url },
      sources: [orders, jobs].map((source) => Object.assign(source, { deadLetter })),
    });
    await redis.xadd('orders', '*', 'name', 'ada');
    await untilListed(1);
    await redis.lpush('jobs', 'x'.repeat(1_000_000));
    await untilListed(2);
    const { body } = await retry({ topic: deadLetter, all: true });
    expect(body).toMatchObject({ retried: 0 });
    expect(body['failed']).toMatchObject([
      { message: expect.stringContaining('KF_RECORD_KEY_MISSING') as string },
      { message: expect.stringContaining('KF_KAFKA_RECORD_TOO_LARGE') as string },
    ]);
    orders.recordKey = '{field:name}';
    await fixture.restart();
    expect((await retry({ topic: deadLetter, all: true })).body).toMatchObject({ retried: 1 });
    const [sent] = await readTopic(inject('kafkaBrokers'), topic);
    expect(sent).toMatchObject({ key: 'ada', value: Buffer.from('{"name":"ada"}') });
    expect(Object.keys(sent?.headers ?? {}).filter((name) => name.startsWith('__connect'))).toEqual([]);
    expect((await list()).map(({ flow }) => flow)).toEqual(['jobs']);
  });
});

describe('while Kafka is away', () => {
  it('letters are neither listed nor touched, and flows are paused all the same', async () => {
    const kafka = await (await stackProvider()).startKafka();
    const { server, redis } = await fixture.redis();
    const deadLetter = `dead-${randomUUID()}`;
    const orders = { name: 'orders', type: 'stream', keys: ['orders'], group: 'g', topic: 'orders', deadLetter };
    await fixture.start({
      redis: { url: server.url },
      kafka: { brokers: [...kafka.brokers] },
      sources: [{ ...orders, recordKey: '{field:customer}' }],
    });
    await redis.xadd('orders', '*', 'name', 'ada');
    await untilListed(1);
    await kafka.kill();
    const which = { topic: deadLetter, all: true };
    for (const answer of [await fixture.ask('GET', '/dead-letters'), await retry(which), await discard(which)])
      expect(answer).toMatchObject({ status: 503, body: { error: { code: 'KF_KAFKA_UNAVAILABLE' } } });
    expect((await fixture.ask('PUT', '/sources/orders/pause')).status).toBe(200);
    await kafka.start();
    await untilListed(1);
    expect((await discard(which)).body).toMatchObject({ discarded: 1, failed: [] });
    await kafka.kill();
  });
});
