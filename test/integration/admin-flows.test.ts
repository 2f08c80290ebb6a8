import { randomUUID } from 'node:crypto';
import { describe, expect, inject, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { readTopic } from '../support/independent-reader.ts';
import { AdminFixture, READER } from './admin-fixture.ts';

const fixture = new AdminFixture();
const pause = (part: string, name: string) => fixture.ask('PUT', `/${part}/${name}/pause`);
const resume = (part: string, name: string) => fixture.ask('PUT', `/${part}/${name}/resume`);
const textRecord = (key: string, value: string) => ({ key: Buffer.from(key), value: Buffer.from(value) });

/** Records that the topic holds by key, in order. */
const valuesOf = async (topic: string): Promise<Readonly<Record<string, readonly string[]>>> => {
  const found: Record<string, string[]> = {};
  for (const { key, value } of await readTopic(inject('kafkaBrokers'), topic)) {
    (found[key] ??= []).push(value === null ? 'null' : (JSON.parse(value.toString()) as { value: string }).value);
  }
  return found;
};

describe('a paused keyspace source', () => {
  it('publishes nothing, stays so over a restart, is ready, and converges once it is resumed', async () => {
    const { server, redis } = await fixture.redis();
    const topic = `keys-${randomUUID()}`;
    await fixture.start({ redis: { url: server.url }, sources: [{ name: 'all', topic, canaryEvery: '200ms' }] });
    await redis.set('before', '1');
    await eventually(async () => (await fixture.flow('sources', 'all'))['records'] === 1, { what: 'the first record' });

    expect(await pause('sources', 'all')).toEqual({ status: 200, body: { name: 'all', paused: true } });
    expect(await pause('sources', 'all')).toEqual({ status: 200, body: { name: 'all', paused: true } });
    expect(await fixture.metric('keyferry_flow_paused{flow="all",kind="source"}')).toBe(1);
    for (let round = 0; round < 50; round += 1) await redis.set('hot', String(round));
    await redis.del('before');
    const pending = async () => (await fixture.flow('sources', 'all'))['pending'];
    await eventually(async () => (await pending()) === 2, { what: 'two keys to wait' });
    expect(await fixture.flow('sources', 'all')).toMatchObject({ state: 'paused', paused: true, records: 1 });

    await fixture.restart();
    await redis.set('after', '1');
    await eventually(async () => Number(await pending()) >= 2, { what: 'the keys to wait again' });
    expect(await fixture.ends(topic)).toBe(1);

    expect(await resume('sources', 'all')).toEqual({ status: 200, body: { name: 'all', paused: false } });
    expect(await resume('sources', 'all')).toEqual({ status: 200, body: { name: 'all', paused: false } });
    await eventually(async () => (await fixture.flow('sources', 'all'))['state'] === 'running', { what: 'no gap' });
    expect(await valuesOf(topic)).toEqual({ before: ['1', 'null'], hot: ['49'], after: ['1'] });
    await fixture.restart();
    expect(await fixture.flow('sources', 'all')).toMatchObject({ paused: false });
    const told = { action: 'pause source', name: 'all', by: 'admin token', address: '127.0.0.1', status: 200 };
    expect(fixture.audit.filter(({ action }) => action === 'pause source')).toMatchObject([told, told]);
  });

  it('keeps its pending set within its bound, opens a gap past it, and drains when it is stopped', async () => {
    const { server, redis } = await fixture.redis();
    const topic = `keys-${randomUUID()}`;
    const source = { name: 'all', topic, maxPendingBytes: 1_000_000, reconcileEvery: 0 };
    await fixture.start({ redis: { url: server.url }, sources: [source] });
    await eventually(async () => (await fixture.flow('sources', 'all'))['state'] === 'running');
    await pause('sources', 'all');
    const count = 20_000;
    const writes = redis.pipeline();
    for (let at = 0; at < count; at += 1) writes.set(`key:${at}`, 'x');
    await writes.exec();
    const gapOf = async () => (await fixture.flow('sources', 'all'))['gaps'] as { cause: string }[];
    await eventually(async () => (await gapOf()).some(({ cause }) => cause === 'pending-overflow'), {
      what: 'the gap',
    });
    expect((await fixture.flow('sources', 'all'))['pending']).toBeLessThan(10_000);
    expect(await fixture.daemon.stop()).toBe(0);
    expect(await fixture.ends(topic)).toBe(0);

    await fixture.daemon.start();
    await fixture.ready();
    await resume('sources', 'all');
    await eventually(async () => (await fixture.flow('sources', 'all'))['state'] === 'running', { timeoutMs: 60_000 });
    expect(Object.keys(await valuesOf(topic))).toHaveLength(count);
  });
});

describe('a paused stream or list source', () => {
  it('reads nothing new, tells how much waits, and goes on where it was, over a restart', async () => {
    const { server, redis } = await fixture.redis();
    const [entries, items] = [`entries-${randomUUID()}`, `items-${randomUUID()}`];
    await fixture.start({
      redis: { url: server.url },
      sources: [
        { name: 'orders', type: 'stream', keys: ['orders'], group: 'keyferry', topic: entries, discoverEvery: '100ms' },
        { name: 'jobs', type: 'list', keys: ['jobs'], topic: items },
      ],
    });
    await redis.xadd('orders', '*', 'n', '0');
    await redis.lpush('jobs', 'item 0');
    await eventually(async () => (await fixture.ends(entries)) === 1 && (await fixture.ends(items)) === 1);
    expect((await pause('sources', 'orders')).body).toEqual({ name: 'orders', paused: true });
    expect((await pause('sources', 'jobs')).body).toEqual({ name: 'jobs', paused: true });
    // What blocks for news at this moment ends first.
    await fixture.restart();
    for (let at = 1; at <= 3; at += 1) await redis.xadd('orders', '*', 'n', String(at));
    for (let at = 1; at <= 3; at += 1) await redis.lpush('jobs', `item ${at}`);
    const waiting = async (name: string) => (await fixture.flow('sources', name))['pending'];
    await eventually(async () => (await waiting('orders')) === 3 && (await waiting('jobs')) === 3, {
      what: 'the sources to tell what waits',
    });
    expect([await fixture.ends(entries), await fixture.ends(items)]).toEqual([1, 1]);
    expect([await redis.llen('jobs'), (await redis.xpending('orders', 'keyferry'))[0]]).toEqual([3, 0]);

    await resume('sources', 'orders');
    await resume('sources', 'jobs');
    await eventually(async () => (await fixture.ends(entries)) === 4 && (await fixture.ends(items)) === 4);
    await eventually(async () => (await redis.llen('jobs')) === 0, { what: 'the list to be empty' });
  });
});

describe.each(['platformatic', 'kafkajs'])('a paused sink, with the client %s', (client) => {
  it('applies and commits nothing, keeps its membership, and goes on where it was, over a restart', async () => {
    const { server, redis } = await fixture.redis();
    const topic = await fixture.topic(2);
    const group = `group-${topic}`;
    await fixture.start({
      redis: { url: server.url },
      kafka: { brokers: [...inject('kafkaBrokers')], client },
      sinks: [
        { name: 'copy', topics: [topic], group, format: 'string', key: '{key}', as: 'string' },
        { name: 'other', topics: [topic], group: `${group}-2`, format: 'string', key: 'other:{key}', as: 'string' },
      ],
    });
    const both = async (prefix: string) => [await redis.get(`${prefix}a`), await redis.get(`${prefix}b`)].join();
    await fixture.send(topic, textRecord('a', '1'), textRecord('b', '1'));
    await eventually(async () => (await both('')) === '1,1' && (await both('other:')) === '1,1');
    expect((await pause('sinks', 'copy')).body).toEqual({ name: 'copy', paused: true });
    const [member] = await fixture.members(group);
    await fixture.send(topic, textRecord('a', '2'), textRecord('b', '2'));
    await eventually(async () => (await both('other:')) === '2,2');
    expect([await both(''), await fixture.members(group)]).toEqual(['1,1', [member]]);
    await fixture.restart();
    expect(await fixture.flow('sinks', 'copy')).toMatchObject({ state: 'paused', paused: true });
    await eventually(async () => (await fixture.members(group)).length === 1, { what: 'the sink to be a member' });
    await fixture.send(topic, textRecord('a', '3'), textRecord('b', '3'));
    await eventually(async () => (await both('other:')) === '3,3');
    expect(await both('')).toBe('1,1');

    await resume('sinks', 'copy');
    await eventually(async () => (await both('')) === '3,3');
  });
});

describe('who may', () => {
  it('act is the owner of the token, and of what there is', async () => {
    const { server } = await fixture.redis();
    const [keys, entries] = [`keys-${randomUUID()}`, `entries-${randomUUID()}`];
    await fixture.start({
      redis: { url: server.url },
      sources: [
        { name: 'all', topic: keys },
        { name: 'orders', type: 'stream', keys: ['orders'], group: 'keyferry', topic: entries },
      ],
    });
    const actions = ['/sources/all/pause', '/sources/all/resume', '/sinks/copy/pause', '/sinks/copy/resume'];
    const posts = ['/sources/all/snapshot', '/dead-letters/retry', '/dead-letters/discard'];
    for (const path of [...actions.map((each) => ['PUT', each]), ...posts.map((each) => ['POST', each])]) {
      const [method = '', at = ''] = path;
      expect(await fixture.ask(method, at, undefined, READER)).toMatchObject({
        status: 403,
        body: { error: { code: 'forbidden' } },
      });
      expect((await fixture.ask(method, at, undefined, 'wrong')).status).toBe(401);
    }
    expect(await pause('sources', 'nobody')).toEqual({
      status: 404,
      body: { error: { code: 'not_found', message: 'sources has no "nobody"' } },
    });
    expect((await resume('sinks', 'all')).status).toBe(404);
    expect(await fixture.ask('POST', '/sources/orders/snapshot')).toMatchObject({
      status: 409,
      body: { error: { code: 'conflict' } },
    });
    expect(await fixture.ask('POST', '/sources/all/snapshot', { pattern: '*' })).toMatchObject({
      status: 400,
      body: { error: { code: 'bad_request', message: 'body must NOT have additional properties' } },
    });
    expect((await fixture.ask('POST', '/sources/all/snapshot', { match: 'x'.repeat(1_025) })).status).toBe(400);
    const refused = fixture.audit.find(({ status }) => status === 403);
    expect(refused).toMatchObject({ action: 'pause source', name: 'all', by: 'read-only token' });
    expect(fixture.daemon.output).not.toContain(READER);
  });

  it('act is everybody where no token is set, and nobody is then taken for the owner of one', async () => {
    const { server } = await fixture.redis();
    const sources = [{ name: 'all', topic: `keys-${randomUUID()}` }];
    await fixture.start({ redis: { url: server.url }, sources, http: {} });
    expect((await pause('sources', 'all')).status).toBe(200);
    await eventually(() => fixture.audit.length > 0, { what: 'the line of the log' });
    expect(fixture.audit).toMatchObject([{ action: 'pause source', by: 'no token is set', status: 200 }]);
  });

  it('read may read what can be done', async () => {
    const { server } = await fixture.redis();
    await fixture.start({ redis: { url: server.url }, sources: [{ name: 'all', topic: `keys-${randomUUID()}` }] });
    const { status, body } = await fixture.ask('GET', '/openapi.json', undefined, READER);
    expect(status).toBe(200);
    expect(body).toMatchObject({ openapi: '3.1.0', components: { securitySchemes: { token: { scheme: 'bearer' } } } });
    const paths = body['paths'] as Readonly<
      Record<string, Readonly<Record<string, { readonly operationId?: string; readonly summary?: string }>>>
    >;
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(operations).toEqual(
      expect.arrayContaining([
        'put /api/v1/sources/{name}/pause',
        'put /api/v1/sinks/{name}/resume',
        'post /api/v1/sources/{name}/snapshot',
        'get /api/v1/dead-letters',
        'post /api/v1/dead-letters/retry',
        'post /api/v1/dead-letters/discard',
        'get /api/v1/status',
      ]),
    );
    const told = Object.values(paths).flatMap((methods) => Object.values(methods));
    expect(told.filter(({ summary = '' }) => summary === '')).toEqual([]);
    expect(new Set(told.map(({ operationId = '' }) => operationId)).size).toBe(told.length);
    expect((await fixture.ask('GET', '/openapi.json', undefined, 'wrong')).status).toBe(401);
  });
});
