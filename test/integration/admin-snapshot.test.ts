import { randomUUID } from 'node:crypto';
import { describe, expect, inject, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { readTopic } from '../support/independent-reader.ts';
import { AdminFixture } from './admin-fixture.ts';

const fixture = new AdminFixture();

interface Snapshot {
  readonly id: string;
  readonly match: string | null;
  readonly done: number;
  readonly total: number;
  readonly endedAt: number | null;
}

const request = (match?: string) => fixture.ask('POST', '/sources/all/snapshot', match === undefined ? {} : { match });
const status = async (): Promise<Snapshot | null> =>
  (await fixture.flow('sources', 'all'))['snapshot'] as Snapshot | null;
const ended = async (id: string): Promise<Snapshot> =>
  eventually(
    async () => {
      const snapshot = await status();
      return snapshot?.id === id && snapshot.endedAt !== null ? snapshot : null;
    },
    { what: 'the snapshot to end' },
  );
const idOf = ({ body }: { readonly body: object }): string => (body as { snapshot: { id: string } }).snapshot.id;

/** How many records each key has. */
const counts = async (topic: string): Promise<Readonly<Record<string, number>>> => {
  const found: Record<string, number> = {};
  for (const { key } of await readTopic(inject('kafkaBrokers'), topic)) found[key] = (found[key] ?? 0) + 1;
  return found;
};

describe('a snapshot', () => {
  const start = async (more: object = {}) => {
    const { server, redis } = await fixture.redis();
    const topic = `keys-${randomUUID()}`;
    await redis.mset('user:1', 'a', 'user:2', 'b', 'order:1', 'c', 'tmp:1', 'd');
    const source = { name: 'all', topic, exclude: ['tmp:*'], ...more };
    await fixture.start({ redis: { url: server.url }, sources: [source] });
    await eventually(async () => (await fixture.flow('sources', 'all'))['records'] === 3, { what: 'three records' });
    return { redis, topic };
  };

  it('publishes again what matches, changed or not, and nothing else', async () => {
    const { topic } = await start();
    expect(await status()).toBeNull();
    const answer = await request('user:*');
    expect(answer).toMatchObject({ status: 202, body: { name: 'all', snapshot: { match: 'user:*' } } });
    expect(await ended(idOf(answer))).toMatchObject({ match: 'user:*' });
    expect(await counts(topic)).toEqual({ 'user:1': 2, 'user:2': 2, 'order:1': 1 });
    const all = await request();
    const { done, total } = await ended(idOf(all));
    expect([done > 0, done]).toEqual([true, total]);
    expect(await counts(topic)).toEqual({ 'user:1': 3, 'user:2': 3, 'order:1': 2 });
    expect(fixture.audit).toMatchObject([
      { action: 'snapshot source', name: 'all', match: 'user:*', status: 202 },
      { action: 'snapshot source', name: 'all', match: null, status: 202 },
    ]);
  });

  it('asked for again while it is under way is one, keeps others waiting, and begins again after a restart', async () => {
    const { topic, redis } = await start();
    await fixture.ask('PUT', '/sources/all/pause');
    const [one, two] = await Promise.all([request('user:*'), request('user:*')]);
    expect([one.status, two.body]).toEqual([202, one.body]);
    expect(await request()).toMatchObject({ status: 409, body: { error: { code: 'KF_BUSY' } } });
    await fixture.restart();
    expect(await status()).toMatchObject({ id: idOf(one), match: 'user:*', endedAt: null });
    await redis.set('user:1', 'newer');
    await fixture.ask('PUT', '/sources/all/resume');
    await ended(idOf(one));
    await fixture.daemon.kill();
    const records = (await readTopic(inject('kafkaBrokers'), topic)).filter(({ key }) => key === 'user:1');
    expect(records.map(({ value }) => (JSON.parse(String(value)) as { value: string }).value).at(-1)).toBe('newer');
    expect((await counts(topic))['user:2']).toBe(2);
    await fixture.daemon.start();
    await fixture.ready();
    expect(await status()).toBeNull();
  });

  it('under a load of writes leaves each key with its last state, in order', async () => {
    const { topic, redis } = await start();
    const keys = Array.from({ length: 200 }, (_, at) => `user:${at}`);
    let round = 0;
    const answer = await request();
    const ending = ended(idOf(answer)).then(() => true);
    for (let isOver = false; !isOver; isOver = await Promise.race([ending, Promise.resolve(false)])) {
      round += 1;
      const writes = redis.pipeline();
      for (const key of keys) writes.set(key, String(round));
      await writes.exec();
    }
    const valuesByKey = async (): Promise<ReadonlyMap<string, readonly number[]>> => {
      const values = new Map<string, number[]>();
      for (const { key, value } of await readTopic(inject('kafkaBrokers'), topic)) {
        if (!key.startsWith('user:')) continue;
        const number = Number((JSON.parse(String(value)) as { value: string }).value);
        if (!Number.isNaN(number)) values.set(key, [...(values.get(key) ?? []), number]);
      }
      return values;
    };
    const values = await eventually(
      async () => {
        const found = await valuesByKey();
        return keys.every((key) => found.get(key)?.at(-1) === round) && found;
      },
      { what: 'the last state of each key' },
    );
    for (const seen of values.values()) expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });
});
