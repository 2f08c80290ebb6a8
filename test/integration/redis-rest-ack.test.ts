import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, inject, test } from 'vitest';
import { SourcesMirror } from '../../src/rest/redis-rest/mirror.ts';
import { eventually } from '../support/eventually.ts';
import { type TopicRecord, lastRecords, readTopic } from '../support/independent-reader.ts';
import { type RestAnswer, RestFixture } from './redis-rest-fixture.ts';
import { MirrorFixture } from './redis-rest-mirror-fixture.ts';

const fixture = new RestFixture();
const mirrors = new MirrorFixture();

const ACK = { 'keyferry-ack': 'kafka' };

/** A mirrored Redis, and REST that knows its source. */
const start = async (options: Parameters<MirrorFixture['start']>[1] = {}) => {
  const { source, topic } = await mirrors.start(fixture.server, options);
  const rest = await fixture.start({}, { mirror: new SourcesMirror([source]) });
  return { ...rest, source, topic };
};

interface Item {
  readonly key: string;
  /** undefined: Kafka had the state before. */
  readonly place: string | undefined;
}

const itemsOf = ({ headers }: RestAnswer): readonly Item[] =>
  (headers.get('keyferry-records') ?? '').split(', ').map((item) => {
    const [, where = '', key = ''] = /^([^;]+);key=(.*)$/.exec(item) ?? [];
    return { key: decodeURIComponent(key), place: where === 'acknowledged' ? undefined : where };
  });

/** Records by `topic/partition@offset`, read by other means than ours. */
const recordsAt = async (topic: string): Promise<ReadonlyMap<string, TopicRecord & { key: string }>> =>
  new Map(
    (await readTopic(inject('kafkaBrokers'), topic)).map((record) => [
      `${topic}/${record.partition}@${record.offset}`,
      record,
    ]),
  );

const valueOf = (record: TopicRecord | undefined): unknown =>
  record?.value === null || record === undefined
    ? null
    : (JSON.parse(record.value.toString()) as { value: unknown }).value;

describe('a write with Keyferry-Ack: kafka', () => {
  test('is answered with the place where Kafka has its state', async () => {
    const { post, topic } = await start();
    const answer = await post('', ['SET', 'user:1', 'Ada'], ACK);
    expect([answer.status, answer.json]).toEqual([200, { result: 'OK' }]);
    const [{ key, place } = { key: '', place: '' }] = itemsOf(answer);
    expect(key).toBe('user:1');
    const record = (await recordsAt(topic)).get(place ?? '');
    expect([record?.key, valueOf(record)]).toEqual(['user:1', 'Ada']);
  });

  test('names the places in the order of the keys, a tombstone for what is gone', async () => {
    const { post, topic } = await start();
    await fixture.redis.set('gone', 'x');
    const answer = await post(
      '/pipeline',
      [
        ['MSET', 'b', '1', 'a', '2'],
        ['GET', 'a'],
        ['DEL', 'gone', 'b'],
        ['SADD', 'ü', 'm'],
      ],
      ACK,
    );
    expect(answer.json).toEqual([{ result: 'OK' }, { result: '2' }, { result: 2 }, { result: 1 }]);
    const items = itemsOf(answer);
    expect(items.map(({ key }) => key)).toEqual(['b', 'a', 'gone', 'ü']);
    const records = await recordsAt(topic);
    expect(items.map(({ place }) => valueOf(records.get(place ?? '')))).toEqual([null, '2', null, ['m']]);
  });

  test('never says less than it wrote, however many write the same key, and always knows the place', async () => {
    const { post, topic } = await start();
    const answers = await Promise.all(Array.from({ length: 300 }, () => post('', ['INCR', 'hot'], ACK)));
    const records = await recordsAt(topic);
    for (const answer of answers) {
      const [item] = itemsOf(answer);
      expect(item?.place, 'a notification that was published first must not be missed').toBeDefined();
      expect(Number(valueOf(records.get(item?.place ?? '')))).toBeGreaterThanOrEqual(Number(answer.json.result));
    }
  });

  test('knows the place of a record that its notification brought about, before the write was answered', async () => {
    const { source, topic } = await mirrors.start(fixture.server);
    // The pipeline waits for the origin, and the origin for the record of what the pipeline wrote.
    const origin = createServer((_request, response) => {
      void eventually(async () => (await lastRecords(inject('kafkaBrokers'), topic)).has('early')).finally(() =>
        response.end('late'),
      );
    }).listen(0, '127.0.0.1');
    await once(origin, 'listening');
    const url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}/`;
    const readThrough = [{ pattern: 'item', url, ttlMs: 60_000, timeoutMs: 120_000 }];
    const { post } = await fixture.start({ readThrough }, { mirror: new SourcesMirror([source]) });
    const answer = await post(
      '/pipeline',
      [
        ['SET', 'early', 'x'],
        ['GET', 'item'],
      ],
      ACK,
    );
    origin.close();
    expect(answer.json).toEqual([{ result: 'OK' }, { result: 'late' }]);
    const place = itemsOf(answer)[0]?.place ?? 'none';
    expect((await recordsAt(topic)).get(place)?.key).toBe('early');
  });

  test('has each of many keys at its own place', async () => {
    const { post, topic } = await start();
    const names = Array.from({ length: 400 }, (_, n) => `key:${n}`);
    const answers = await Promise.all(names.map((name) => post('', ['SET', name, `of ${name}`], ACK)));
    const records = await recordsAt(topic);
    const found = answers.map((answer) => records.get(itemsOf(answer)[0]?.place ?? ''));
    expect(found.map((record) => [record?.key, valueOf(record)])).toEqual(names.map((name) => [name, `of ${name}`]));
  });

  test('that changes nothing is acknowledged, without a place that nobody knows', async () => {
    const { post } = await start();
    await post('', ['SET', 'same', 'x'], ACK);
    const again = await post('', ['SET', 'same', 'x'], ACK);
    expect(again.headers.get('keyferry-records')).toBe('acknowledged;key=same');
    const missed = await post('', ['SET', 'same', 'y', 'NX'], ACK);
    expect([missed.json, itemsOf(missed)]).toEqual([{ result: null }, [{ key: 'same', place: undefined }]]);
    const neverThere = await post(
      '/multi-exec',
      [
        ['SET', 'brief', 'x'],
        ['DEL', 'brief'],
      ],
      ACK,
    );
    expect([neverThere.status, itemsOf(neverThere)[0]?.key]).toEqual([200, 'brief']);
  });

  test('runs as a transaction too', async () => {
    const { post, topic } = await start();
    const answer = await post(
      '/multi-exec',
      [
        ['SET', 'a', '1'],
        ['INCR', 'a'],
        ['HSET', 'h', 'f', 'v'],
      ],
      ACK,
    );
    expect(answer.json).toEqual([{ result: 'OK' }, { result: 2 }, { result: 1 }]);
    const records = await recordsAt(topic);
    expect(itemsOf(answer).map(({ key, place }) => [key, valueOf(records.get(place ?? ''))])).toEqual([
      ['a', '2'],
      ['h', { f: 'v' }],
    ]);
  });

  test('finds the keys of commands whose keys only the server can tell', async () => {
    const { post } = await start();
    await fixture.redis.rpush('list', '2', '1');
    await fixture.redis.xadd('stream', '1-0', 'f', 'v');
    await fixture.redis.xgroup('CREATE', 'stream', 'g', '0');
    const keysOf = async (...command: string[]) => itemsOf(await post('', command, ACK)).map(({ key }) => key);
    // Before Redis 7 it does not tell which of them are written.
    const read = (await fixture.knows('EVAL_RO')) ? () => [] : (...keys: string[]) => keys;
    expect(await keysOf('SORT', 'list', 'STORE', 'sorted')).toEqual([...read('list'), 'sorted']);
    expect(await keysOf('ZUNIONSTORE', 'union', '1', 'zset')).toEqual([...read('zset'), 'union']);
    expect(await keysOf('EVAL', 'redis.call("SET", KEYS[2], "x")', '2', 'k1', 'k2', 'argument')).toEqual(['k1', 'k2']);
    expect(await keysOf('XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 'stream', '>')).toEqual(['stream']);
    expect(await keysOf('LMOVE', 'list', 'other', 'LEFT', 'LEFT')).toEqual(['list', 'other']);
    expect(await keysOf('BITOP', 'NOT', 'bits', 'source')).toEqual(['bits', ...read('source')]);
    expect(await keysOf('XGROUP', 'CREATECONSUMER', 'stream', 'g', 'c2')).toEqual(['stream']);
  });

  test('leaves out of the header what would be too much for it, and says how much', async () => {
    const { post } = await start();
    const pairs = Array.from({ length: 1_000 }, (_, n) => [`a long name of a key ${n}`, 'x']);
    const { headers } = await post('', ['MSET', ...pairs.flat()], ACK);
    const listed = (headers.get('keyferry-records') ?? '').split(', ').length;
    expect(listed + Number(headers.get('keyferry-records-left-out'))).toBe(1_000);
    expect(headers.get('keyferry-records')?.length).toBeLessThanOrEqual(8_000);
  });

  test('that Redis refuses is answered with its error, at once', async () => {
    const { post } = await start();
    await post('', ['SET', 'string', 'x']);
    const { status, json, headers } = await post('', ['LPUSH', 'string', 'y'], ACK);
    expect([status, json.error, headers.get('keyferry-records')]).toEqual([
      400,
      expect.stringMatching(/^WRONGTYPE/),
      null,
    ]);
  });
});

describe('what Kafka could not acknowledge is not written', () => {
  const refused = async (path: string, command: unknown, headers = ACK) => {
    const { post } = await start();
    await fixture.redis.set('standing', 'x');
    const { status, json } = await post(path, command, headers);
    const keys = await fixture.redis.keys('*');
    expect(keys.filter((key) => !key.startsWith('__keyferry__:'))).toEqual(['standing']);
    return [status, json.error];
  };

  test.each([
    ['a key that the source excludes', ['SET', 'private:1', 'x'], 'no source carries "private:1" of database 0'],
    ['a flush', ['FLUSHALL'], "Kafka cannot acknowledge 'flushall'"],
    ['a script that declares no keys', ['EVAL', 'redis.call("SET", "k", "v")', '0'], "Kafka cannot acknowledge 'eval'"],
    ['a move to another database', ['MOVE', 'standing', '1'], "Kafka cannot acknowledge 'move'"],
    ['a copy to another database', ['COPY', 'standing', 'k', 'DB', '1'], "Kafka cannot acknowledge 'copy'"],
  ])('%s', async (_, command, words) => {
    expect(await refused('', command)).toEqual([400, expect.stringContaining(words)]);
  });

  test('a pipeline with one such key, as a whole', async () => {
    const commands = [
      ['SET', 'a', 'x'],
      ['SET', 'private:1', 'x'],
    ];
    expect(await refused('/pipeline', commands)).toEqual([400, expect.stringContaining('nothing was written')]);
  });

  test.each([
    [{ 'keyferry-ack': 'yes' }, 'Keyferry-Ack is `kafka`'],
    [{ ...ACK, 'keyferry-ack-timeout': '1s' }, 'Keyferry-Ack-Timeout is a number'],
  ])('headers that are not understood: %j', async (headers, words) => {
    expect(await refused('', ['SET', 'a', 'x'], headers)).toEqual([400, expect.stringContaining(words)]);
  });

  test('anything, while the source does not mirror', async () => {
    const { source, topic } = await mirrors.start(fixture.server);
    expect(topic).not.toBe('');
    const { post } = await fixture.start({}, { mirror: new SourcesMirror([source]) });
    await mirrors.stopAll();
    const { status, json } = await post('', ['SET', 'a', 'x'], ACK);
    expect([status, json.error]).toEqual([503, expect.stringContaining('source keys does not mirror just now')]);
    expect(await fixture.redis.exists('a')).toBe(0);
  });
});

describe('a write without it', () => {
  test('reaches the mirror without its notification', async () => {
    const { post, topic } = await start();
    await fixture.redis.config('SET', 'notify-keyspace-events', '');
    await post('', ['SET', 'unheard', 'x']);
    // The second one is acknowledged after what was published before it.
    await post('', ['SET', 'end', 'x'], ACK);
    const written = [...(await recordsAt(topic)).values()].map(({ key }) => key);
    expect(written.sort()).toEqual(['end', 'unheard']);
  });

  test('a read that asks for Kafka gets its answer, and waits for nothing', async () => {
    const { post } = await start();
    const { status, json, headers } = await post('', ['GET', 'private:1'], ACK);
    expect([status, json, headers.get('keyferry-records')]).toEqual([200, { result: null }, null]);
  });
});
