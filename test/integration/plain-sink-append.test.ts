import { describe, expect, inject, test } from 'vitest';
import { type KafkaClient, connectKafka } from '../../src/clients/kafka/connect.ts';
import type { OutgoingRecord } from '../../src/clients/kafka/port.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { PlainOptions } from '../../src/kafka-to-redis/plain/plain-options.ts';
import { eventually } from '../support/eventually.ts';
import { SinkFixture } from './sink-fixture.ts';

const BINARY = Buffer.from([0, 255, 128, 13, 10]);
const item = (value: string | Buffer | null, key = 'queue'): Partial<OutgoingRecord> => ({
  key: Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
});
const items = (from: number, to: number, key?: string) =>
  Array.from({ length: to - from }, (_, at) => item(String(from + at), key));
const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, at) => String(from + at));
const POSITIONS = '__keyferry__:sink:profiles:positions';

describe('a sink that appends', () => {
  const fixture = new SinkFixture();
  const options = (change: Partial<PlainOptions> = {}) => ({
    format: 'string' as const,
    key: '{key}',
    as: 'list' as const,
    deadLetter: `${fixture.topic}.dead`,
    ...change,
  });
  const start = (change: Partial<PlainOptions> = {}) => fixture.start(options(change));
  /** The same sink as another group would run it: every record comes once more. */
  const replay = (change: Partial<PlainOptions> = {}) =>
    fixture.start({ ...options(change), group: `${fixture.group}-${Math.random()}` });
  const list = (key = 'queue') => fixture.redis.lrange(key, 0, -1);
  const ids = async (key: string) => (await fixture.redis.xrange(key, '-', '+')).map(([id]) => id);

  test('feeds workers that BRPOP, first come, first served', async () => {
    start();
    await fixture.apply(...items(0, 3), item(BINARY));
    expect(await list()).toHaveLength(4);
    expect((await fixture.redis.brpop('queue', 1))?.[1]).toBe('0');
    expect((await fixture.redis.brpop('queue', 1))?.[1]).toBe('1');
    expect(await fixture.redis.lindexBuffer('queue', 0)).toEqual(BINARY);
  });

  test('pushes to the right where it is told so, JSON values as their text', async () => {
    start({ format: 'json', push: 'right' });
    await fixture.apply(item('"a"'), item('{ "n": 12345678901234567890 }'), item('null'));
    expect(await list()).toEqual(['a', '{"n":12345678901234567890}', 'null']);
  });

  test.each([
    ['left', ['11', '10', '9']],
    ['right', ['9', '10', '11']],
  ] as const)('keeps the newest items of a list that is pushed to the %s', async (push, kept) => {
    start({ push, maxLength: 3 });
    await fixture.apply(...items(0, 12), item('x', 'other'));
    expect(await list()).toEqual(kept);
    expect(await list('other')).toEqual(['x']);
  });

  test('adds an entry for each record, whose ID is its offset and its partition plus one', async () => {
    start({ format: 'json', as: 'stream' });
    await fixture.apply(item('{"a":{"b":"c"},"n":1.0}', 's'), item('{"a":2}', 's'));
    expect(await fixture.redis.xrange('s', '-', '+')).toEqual([
      ['0-1', ['a.b', 'c', 'n', '1.0']],
      ['1-1', ['a', '2']],
    ]);
  });

  test('adds a value that it does not take apart as one field', async () => {
    start({ as: 'stream' });
    await fixture.apply(item(BINARY, 's'));
    const [[, fields] = []] = await fixture.redis.xrangeBuffer('s', '-', '+');
    expect(fields).toEqual([Buffer.from('value'), BINARY]);
  });

  test('goes on behind the last ID of a stream that others write to', async () => {
    await fixture.redis.xadd('s', '1795239060027-5', 'of', 'another');
    start({ as: 'stream' });
    await fixture.apply(...items(0, 3, 's'));
    expect(await ids('s')).toEqual(['1795239060027-5', '1795239060027-6', '1795239060027-7', '1795239060027-8']);
  });

  test('gives entries of several partitions ascending IDs, and those of one partition their offsets again', async () => {
    await fixture.redis.xadd('s', '2-7', 'of', 'another');
    start({ as: 'stream' });
    await fixture.apply(...items(0, 5, 's'));
    expect(await ids('s')).toEqual(['2-7', '2-8', '2-9', '2-10', '3-1', '4-1']);
  });

  test('I6: appends the records of several partitions once, those of each partition in their order', async () => {
    const topic = `${fixture.topic}.three`;
    const admin = fixture.kafka().admin();
    await admin.create({ name: topic, partitions: 3, config: {} });
    await admin.close();
    const all = Array.from({ length: 900 }, (_, at) => ({ ...item(String(at), 's'), topic, partition: at % 3 }));
    fixture.start({ ...options({ as: 'stream' }), topics: [topic] });
    await fixture.apply(...all);
    const { outcomes } = fixture.start({ ...options({ as: 'stream' }), topics: [topic], group: `${fixture.group}-2` });
    await fixture.caughtUp();
    expect(outcomes.counts).toEqual({ repeated: 900 });
    const values = (await fixture.redis.xrange('s', '-', '+')).map(([, [, value]]) => Number(value));
    const byPartition = Map.groupBy(values, (value) => value % 3);
    expect(values).toHaveLength(900);
    for (const each of byPartition.values()) expect(each).toEqual(each.toSorted((a, b) => a - b));
    expect(await fixture.redis.hlen(POSITIONS)).toBe(3);
  });

  test('waits for a topic that is not there yet', async () => {
    const topic = `${fixture.topic}.late`;
    const { outcomes } = fixture.start({ ...options(), topics: [topic] });
    const admin = fixture.kafka().admin();
    await admin.create({ name: topic, partitions: 1, config: {} });
    await admin.close();
    await fixture.send({ ...item('a'), topic });
    await eventually(() => outcomes.total === 1, { what: 'the record' });
    expect(await list()).toEqual(['a']);
  });

  test('trims a stream to about its limit', async () => {
    start({ as: 'stream', maxLength: 100 });
    await fixture.apply(...items(0, 2_000, 's'));
    const length = await fixture.redis.xlen('s');
    expect(length).toBeGreaterThanOrEqual(100);
    expect(length).toBeLessThanOrEqual(200);
    expect((await ids('s')).at(-1)).toBe('1999-1');
  });

  test('counts nulls, which add nothing', async () => {
    start();
    const { counts } = await fixture.apply(item('a'), item(null), { key: null, value: null });
    expect(await list()).toEqual(['a']);
    expect(counts).toEqual({ applied: 1, empty: 2 });
  });

  test.each(['list', 'stream'] as const)('I6: adds no record twice to a %s, however often it comes', async (as) => {
    start({ as });
    await fixture.apply(...items(0, 1_500), ...items(0, 5, 'other'));
    const { outcomes } = replay({ as });
    await fixture.caughtUp();
    expect(outcomes.counts).toEqual({ repeated: 1_505 });
    const length = (key: string) => (as === 'list' ? fixture.redis.llen(key) : fixture.redis.xlen(key));
    expect([await length('queue'), await length('other')]).toEqual([1_500, 5]);
    await fixture.send(...items(1_500, 1_502));
    await eventually(async () => (await length('queue')) === 1_502, { what: 'the new records' });
  });

  test('I6: keeps two sinks apart, which append the same records to lists of their own', async () => {
    start();
    await fixture.apply(...items(0, 3));
    const second = { ...options({ key: 'second' }), name: 'second', group: `${fixture.group}-second` };
    const { outcomes } = fixture.start(second);
    await fixture.caughtUp();
    expect(outcomes.counts).toEqual({ applied: 3 });
    expect(await fixture.redis.llen('second')).toBe(3);
  });

  test('adds all of it again once its positions are deleted, as docs/sinks.md tells', async () => {
    start();
    await fixture.apply(...items(0, 3));
    await fixture.redis.del(POSITIONS);
    replay();
    await fixture.caughtUp();
    expect(await list()).toEqual(['2', '1', '0', '2', '1', '0']);
  });

  test('keeps the positions of offsets that a Lua number does not hold', async () => {
    start();
    await fixture.apply(item('0'));
    const id = (await fixture.redis.hget(POSITIONS, `${fixture.topic}/0`))?.split(' ')[0];
    // Beyond 2^53, where 9007199254740993 and ...992 are one double.
    await fixture.redis.hset(POSITIONS, `${fixture.topic}/0`, `${String(id)} 9007199254740993`);
    const { outcomes } = replay();
    await fixture.caughtUp();
    expect(outcomes.counts).toEqual({ repeated: 1 });
    expect(await fixture.redis.hget(POSITIONS, `${fixture.topic}/0`)).toBe(`${String(id)} 9007199254740993`);
  });
});

describe('a topic that is deleted and created again', () => {
  const fixture = new SinkFixture();
  const start = (client: KafkaClient, group = fixture.group, clock = systemClock) => {
    const kafka = connectKafka({ client, brokers: inject('kafkaBrokers'), clientId: 'sink-test' });
    return fixture.start({ format: 'string', key: '{key}', as: 'list', push: 'right', group }, { kafka, clock });
  };
  const list = () => fixture.redis.lrange('queue', 0, -1);

  test('begins anew: the position of the old one swallows no record of the new one', async () => {
    const first = start('platformatic');
    await fixture.apply(...items(0, 10));
    await first.stop();
    await fixture.recreateTopic();
    // Longer than the old one was.
    await fixture.send(...items(100, 120));
    const { outcomes } = start('platformatic', `${fixture.group}-2`);
    await eventually(() => outcomes.total === 20, { what: 'the records of the new topic' });
    expect(outcomes.counts).toEqual({ applied: 20 });
    expect(await list()).toEqual([...numbers(0, 10), ...numbers(100, 120)]);
  });

  test('begins anew under a sink that runs, which joins its group again', async () => {
    // 20 s of patience pass in one.
    const clock = { ...systemClock, monotonic: () => performance.now() * 20 };
    const { outcomes } = start('platformatic', fixture.group, clock);
    await fixture.apply(...items(0, 10));
    await fixture.recreateTopic();
    await fixture.send(...items(100, 105));
    await eventually(() => outcomes.total === 15, { what: 'the records of the new topic', timeoutMs: 60_000 });
    expect(await list()).toEqual([...numbers(0, 10), ...numbers(100, 105)]);
  });

  test('begins anew where the Kafka client tells no ids, as long as it is shorter than the old one', async () => {
    const first = start('kafkajs');
    await fixture.apply(...items(0, 10));
    await first.stop();
    await fixture.recreateTopic();
    await fixture.send(...items(100, 105));
    const { outcomes } = start('kafkajs', `${fixture.group}-2`);
    await eventually(() => outcomes.total === 5, { what: 'the records of the new topic', timeoutMs: 60_000 });
    expect(await list()).toEqual([...numbers(0, 10), ...numbers(100, 105)]);
  });

  test('is not mistaken for another one where the Kafka client is changed', async () => {
    const first = start('kafkajs');
    await fixture.apply(...items(0, 10));
    await first.stop();
    for (const client of ['platformatic', 'kafkajs', 'platformatic'] as const) {
      const { outcomes, stop } = start(client, `${fixture.group}-${Math.random()}`);
      await fixture.caughtUp();
      expect(outcomes.counts).toEqual({ repeated: 10 });
      await stop();
    }
  });
});
