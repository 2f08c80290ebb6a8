import { describe, expect, inject, test } from 'vitest';
import { slotOf } from '../../src/clients/redis/cluster/slots.ts';
import { SourcesMirror } from '../../src/rest/redis-rest/mirror.ts';
import { eventually } from '../support/eventually.ts';
import { lastRecords } from '../support/independent-reader.ts';
import { keyIn } from '../support/redis-cluster.ts';
import { ClusterFixture } from './cluster-fixture.ts';
import { RestFixture } from './redis-rest-fixture.ts';
import { MirrorFixture } from './redis-rest-mirror-fixture.ts';

const CROSSSLOT = "CROSSSLOT Keys in request don't hash to the same slot";
const ACK = { 'keyferry-ack': 'kafka' };
const KEYS = Array.from({ length: 40 }, (_, n) => `key:${n}`);

describe('Redis REST on a cluster', () => {
  const cluster = new ClusterFixture();
  const fixture = new RestFixture();
  const mirrors = new MirrorFixture();
  const start = () => fixture.start({}, { redis: cluster.client() });
  /** Of one master, and of another one. */
  const [near, nextToIt, far] = [keyIn(1), keyIn(2), keyIn(16_000)];

  test('runs a pipeline on all masters, replies and errors in their places', async () => {
    const { post } = await start();
    const written = await post('/pipeline', [...KEYS.map((key) => ['SET', key, key]), ['INCR', 'key:1']]);
    expect(written.json).toEqual([
      ...KEYS.map(() => ({ result: 'OK' })),
      { error: 'ERR value is not an integer or out of range' },
    ]);
    const read = await post(
      '/pipeline',
      KEYS.map((key) => ['GET', key]),
    );
    expect(read.json).toEqual(KEYS.map((key) => ({ result: key })));
  });

  test("passes on Redis' own refusal of keys of several slots", async () => {
    const { post, client } = await start();
    const answer = await post('', ['MGET', near, far]);
    expect([answer.status, answer.json]).toEqual([400, { error: CROSSSLOT }]);
    await expect(client().mset({ [near]: 1, [far]: 2 })).rejects.toThrow(CROSSSLOT);
    await client().mset({ 'a{tag}': 1, 'b{tag}': 2 });
    expect(await client().mget('a{tag}', 'b{tag}')).toEqual([1, 2]);
  });

  test('runs a transaction on the master of its keys', async () => {
    const { client } = await start();
    const replies = await client().multi().set('x{there}', 1).incr('x{there}').get('x{there}').exec();
    expect(replies).toEqual(['OK', 2, 2]);
  });

  test.each([
    ['of one master', near, nextToIt],
    ['of two masters', near, far],
    ['of two masters, the other way round', far, near],
  ])('refuses a transaction on keys of several slots, %s, and runs none of it', async (_, one, other) => {
    const { post } = await start();
    await cluster.redis.del(one);
    const answer = await post('/multi-exec', [
      ['SET', one, 'x'],
      ['SET', other, 'x'],
    ]);
    expect([answer.status, answer.json]).toEqual([400, { error: `EXECABORT none of the commands ran: ${CROSSSLOT}` }]);
    expect(await cluster.redis.exists(one)).toBe(0);
  });

  test('acknowledges writes of all masters, and through a failover', async () => {
    const { source, topic } = await mirrors.start(cluster.client());
    const { post } = await fixture.start({}, { redis: cluster.client(), mirror: new SourcesMirror([source]) });
    const write = async (value: string): Promise<void> => {
      const commands = KEYS.map((key) => ['SET', key, value]);
      // 503: nothing was written, as a master is not found yet.
      const answer = await eventually(
        async () => {
          const one = await post('/pipeline', commands, ACK);
          return one.status !== 503 && one;
        },
        { what: 'an answer' },
      );
      expect(answer.status).toBe(200);
      expect((answer.headers.get('keyferry-records') ?? '').split(', ')).toHaveLength(KEYS.length);
      const records = await lastRecords(inject('kafkaBrokers'), topic);
      const values = KEYS.map((key) => JSON.parse(String(records.get(key)?.value)) as { value: string });
      expect(values.map((record) => record.value)).toEqual(KEYS.map(() => value));
    };
    await write('before');
    await cluster.moveSlotsOf(KEYS.slice(0, 5));
    await cluster.failover(slotOf(Buffer.from('key:30')));
    await write('after');
  });
});
