import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { SourcesMirror } from '../../src/rest/redis-rest/mirror.ts';
import { eventually } from '../support/eventually.ts';
import { lastRecords } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';
import type { KafkaServer } from '../support/stack.ts';
import { type RunningRest, RestFixture } from './redis-rest-fixture.ts';
import { MirrorFixture } from './redis-rest-mirror-fixture.ts';

const fixture = new RestFixture();
const mirrors = new MirrorFixture();

const ACK = { 'keyferry-ack': 'kafka' };
const BRIEFLY = { ...ACK, 'keyferry-ack-timeout': '300' };

describe('while Kafka is stopped', () => {
  let kafka: KafkaServer;
  beforeAll(async () => {
    kafka = await (await stackProvider()).startKafka();
  });
  afterAll(() => kafka.kill());

  test('a write is applied, answered with 504 that says so, and on the topic once Kafka is back', async () => {
    const { source, topic } = await mirrors.start(fixture.server, {}, kafka.brokers);
    const { post } = await fixture.start({}, { mirror: new SourcesMirror([source]) });
    expect((await post('', ['SET', 'before', 'x'], ACK)).status).toBe(200);
    await kafka.stop();

    const one = await post('', ['INCR', 'counter'], BRIEFLY);
    expect([one.status, one.json]).toEqual([
      504,
      { error: expect.stringMatching(/^UNCONFIRMED the write is applied/) as string, applied: { result: 1 } },
    ]);
    expect(one.headers.get('keyferry-records')).toBeNull();
    const many = await post(
      '/pipeline',
      [
        ['INCR', 'counter'],
        ['LPUSH', 'counter', 'x'],
      ],
      BRIEFLY,
    );
    expect([many.status, many.json.applied]).toEqual([
      504,
      [{ result: 2 }, { error: expect.stringMatching(/^WRONGTYPE/) as string }],
    ]);
    const transaction = await post(
      '/multi-exec',
      [
        ['INCR', 'counter'],
        ['SET', 'other', 'x'],
      ],
      BRIEFLY,
    );
    expect([transaction.status, transaction.json.applied]).toEqual([504, [{ result: 3 }, { result: 'OK' }]]);
    expect(await fixture.redis.get('counter')).toBe('3');
    // A write that does not ask is none of Kafka's business.
    expect((await post('', ['SET', 'unasked', 'x'])).status).toBe(200);

    const stopping = await fixture.start({ ackTimeoutMs: 60_000 }, { mirror: new SourcesMirror([source]) });
    const waiting = stopping.post('', ['SET', 'waiting', 'x'], ACK);
    await eventually(async () => (await fixture.redis.exists('waiting')) === 1);
    await stopping.close();
    expect((await waiting).status, 'who waits is answered when the daemon stops').toBe(504);

    await kafka.start();
    const again = await post('', ['INCR', 'counter'], ACK);
    expect([again.status, again.json]).toEqual([200, { result: 4 }]);
    await eventually(async () => (await lastRecords(kafka.brokers, topic)).size === 5, { what: 'all five keys' });
    expect((await lastRecords(kafka.brokers, topic)).get('counter')?.value?.toString()).toContain('"4"');
  });
});

describe('while Redis is away', () => {
  const outcome = async ({ post }: RunningRest, path: string, body: unknown): Promise<unknown> => {
    const { status, json } = await post(path, body);
    return [status, json.error];
  };
  const unknown = [503, expect.stringMatching(/^UNAVAILABLE .*; whether the command ran is not known$/)];

  test('what was under way may have run, and the answer says so; what comes then was not sent, until it is back', async () => {
    const rest = await fixture.start();
    await rest.post('', ['PING']);
    await fixture.server.freeze();
    const underWay = [
      outcome(rest, '', ['INCR', 'a']),
      outcome(rest, '', ['GET', 'a']),
      outcome(rest, '/pipeline', [
        ['INCR', 'a'],
        ['INCR', 'b'],
      ]),
      outcome(rest, '/multi-exec', [
        ['INCR', 'a'],
        ['INCR', 'b'],
      ]),
    ];
    // All of it has been sent by the time that this process has served some more requests.
    for (let n = 0; n < 5; n += 1) await fetch(rest.url.replace('/redis', '/livez'));
    await fixture.server.kill();
    for (const each of await Promise.all(underWay)) expect(each).toEqual(unknown);
    await eventually(async () => {
      expect(await outcome(rest, '', ['GET', 'a'])).toEqual([503, 'UNAVAILABLE Redis is away; nothing was sent to it']);
      return true;
    });
    await fixture.server.start();
    await eventually(async () => (await rest.post('', ['GET', 'a'])).status === 200);
  });
});

test('what a script wrote before it failed is seen by the mirror', async () => {
  const { source, topic } = await mirrors.start(fixture.server);
  const { post } = await fixture.start({}, { mirror: new SourcesMirror([source]) });
  await fixture.redis.config('SET', 'notify-keyspace-events', '');
  const { status } = await post('', [
    'EVAL',
    'redis.call("SET", KEYS[1], "x"); return redis.error_reply("no")',
    '1',
    'k',
  ]);
  expect(status).toBe(400);
  await eventually(async () => (await lastRecords(inject('kafkaBrokers'), topic)).has('k'));
});
