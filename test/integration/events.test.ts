import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { type KeyName, keyName } from '../../src/core/key-name.ts';
import type { PassedChange } from '../../src/core/passed-change.ts';
import { type HttpServer, type HttpServerOptions, createHttpServer } from '../../src/rest/http-server.ts';
import { ChangeTail } from '../../src/rest/live/change-tail.ts';
import { eventually } from '../support/eventually.ts';
import { EventReader } from '../support/event-reader.ts';
import { httpDefaults } from '../support/http-defaults.ts';
import { silentLogger } from '../support/silent-logger.ts';

const running: HttpServer[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(running.splice(0).map((server) => server.close()));
});

const start = async (options: Partial<HttpServerOptions> = {}, { showValues = false } = {}) => {
  const tail = new ChangeTail({ clock: systemClock, showValues });
  let asked = 0;
  const server = createHttpServer({
    ...httpDefaults(),
    status: () => {
      asked += 1;
      return { asked, sources: [{ name: 'all' }, { name: 'some' }], sinks: [{ name: 'copy' }] };
    },
    tail,
    ...options,
  });
  running.push(server);
  const port = await server.listen();
  const url = `http://127.0.0.1:${port}/api/v1/events`;
  return { server, port, url, tail, asked: () => asked, open: (query = '') => EventReader.open(url + query) };
};

const change = (key: string | KeyName, more: Partial<PassedChange> = {}): PassedChange => ({
  key: keyName(Buffer.from(key)),
  op: 'set',
  type: 'string',
  value: Buffer.from('secret'),
  latencyMs: 1.234,
  ...more,
});

const keysOf = (reader: EventReader): readonly string[] =>
  reader.all('changes').flatMap(({ changes }) => changes.map(({ key }) => key));

describe('events', () => {
  test('tell the status at once and then each second, the same to all who listen', async () => {
    const { open, asked } = await start();
    const [one, other] = await Promise.all([open(), open()]);
    expect(one.response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(await one.next('status')).toMatchObject({ sources: [{ name: 'all' }, { name: 'some' }] });
    await eventually(() => one.all('status').length >= 3 && other.all('status').length >= 3, { what: 'three of each' });
    const last = (reader: EventReader): unknown => reader.all('status').at(-1);
    await eventually(() => isDeepStrictEqual(last(one), last(other)), { what: 'the same for both' });
    const before = asked();
    one.close();
    other.close();
    expect(before).toBeLessThan(12);
  });

  test('ask for nothing once nobody listens any more', async () => {
    const { open, tail, asked } = await start();
    const reader = await open('?tail=1');
    expect(tail.isWatched).toBe(true);
    reader.close();
    await eventually(() => !tail.isWatched, { what: 'the listener to be missed' });
    const before = asked();
    // As many turns as two statuses would take.
    for (let turn = 0; turn < 5; turn += 1) await systemClock.sleep(500);
    expect(asked()).toBe(before);
  });

  test('need a token where one is set, and the read-only one does', async () => {
    const { url } = await start({ token: 'full', readOnlyToken: 'read' });
    expect((await EventReader.open(url)).status).toBe(401);
    const reader = await EventReader.open(url, { authorization: 'Bearer read' });
    expect(reader.status).toBe(200);
    await reader.next('status');
  });

  test.for([
    ['an unknown source', '?tail=1&source=nope', 404, 'there is no source "nope"'],
    ['an unknown sink', '?tail=1&sink=all', 404, 'there is no sink "all"'],
    ['a pattern that is empty', '?tail=1&match=', 400, 'querystring/match'],
    ['a switch that is neither on nor off', '?tail=yes', 400, 'querystring/tail'],
  ] as const)('refuse %s', async ([, query, status, message]) => {
    const { url } = await start();
    const answer = await fetch(url + query);
    expect([answer.status, await answer.text()]).toEqual([
      status,
      expect.stringContaining(JSON.stringify(message).slice(1, -1)),
    ]);
  });

  test('are for sixteen listeners; one more is told to come again, and may once another one has gone', async () => {
    const { open, url } = await start();
    const readers = await Promise.all(Array.from({ length: 16 }, () => open()));
    const refused = await fetch(url);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('10');
    expect(await refused.json()).toMatchObject({ error: { code: 'overloaded' } });
    readers[0]?.close();
    await eventually(async () => (await open()).status === 200, { what: 'the place to be free' });
  });

  test('are not sent as the answer to a HEAD, which nobody would read', async () => {
    const { url, tail } = await start();
    expect((await fetch(`${url}?tail=1`, { method: 'HEAD' })).status).toBe(404);
    expect(tail.isWatched).toBe(false);
  });

  test('go on for longer than a client may take to read any other answer', async () => {
    const { open } = await start({ clientTimeoutMs: 1_000 });
    const reader = await open();
    await eventually(() => reader.all('status').length >= 3, { what: 'the third status' });
    expect(reader.response.destroyed).toBe(false);
  });

  test('end when the server closes, which waits for nobody', async () => {
    const { open, server } = await start();
    const readers = await Promise.all([open(), open('?tail=1')]);
    await Promise.all(readers.map((reader) => reader.next('status')));
    await server.close();
    await Promise.all(readers.map(({ ended }) => ended));
    // Not cut off, as those are who do not go by themselves.
    expect(readers.every(({ response }) => response.complete)).toBe(true);
  });

  test('are cut off from who stops reading, and wait in memory for nobody', async () => {
    const lines: string[] = [];
    const big = 'x'.repeat(4_000_000);
    const { port, tail, open } = await start({
      clientTimeoutMs: 1_000,
      status: () => ({ big, sources: [{ name: 'all' }], sinks: [] }),
      logger: { ...silentLogger, debug: (_, message) => lines.push(message) },
    });
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    await once(socket, 'connect');
    socket.pause();
    socket.write('GET /api/v1/events?tail=1 HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await eventually(() => tail.isWatched, { what: 'it to listen' });
    await eventually(() => lines.includes('a client that does not read its events is cut off'));
    await eventually(() => !tail.isWatched, { what: 'it to be forgotten' });
    // Others are served as before.
    await (await open()).next('status');
  });
});

describe('the tail of changes', () => {
  test('tells key, op, type, size and latency, and no value', async () => {
    const { open, tail } = await start();
    const reader = await open('?tail=1');
    await reader.next('status');
    tail.of({ source: 'all' }).passed(change('user:1'));
    const { changes, skipped } = await reader.next('changes');
    expect(skipped).toBe(0);
    expect(changes).toEqual([
      {
        at: expect.any(Number) as number,
        source: 'all',
        key: 'user:1',
        op: 'set',
        type: 'string',
        bytes: 6,
        latencyMs: 1.2,
      },
    ]);
  });

  test('shows the beginnings of values where that is configured', async () => {
    const { open, tail } = await start({}, { showValues: true });
    const reader = await open('?tail=1');
    await reader.next('status');
    tail.of({ source: 'all' }).passed(change('long', { value: Buffer.from('é'.repeat(5_000)) }));
    tail.of({ source: 'all' }).passed(change('gone', { op: 'del', value: null }));
    const { changes } = await reader.next('changes');
    expect(changes[0]).toMatchObject({ bytes: 10_000, value: 'é'.repeat(200) });
    expect(changes[1]).not.toHaveProperty('value');
  });

  test('is not sent to who did not ask for it', async () => {
    const { open, tail } = await start();
    const [plain, tailing] = await Promise.all([open(), open('?tail=1')]);
    await Promise.all([plain.next('status'), tailing.next('status')]);
    tail.of({ sink: 'copy' }).passed(change('a'));
    await tailing.next('changes');
    expect(plain.all('changes')).toEqual([]);
  });

  test('tells of one source, one sink, or the keys that match a pattern', async () => {
    const { open, tail } = await start();
    const queries = [
      '?tail=1&source=some',
      '?tail=1&sink=copy',
      '?tail=1&match=user:*:[a-c]',
      '?tail=1&source=all&match=*x*',
    ];
    const readers = await Promise.all(queries.map(open));
    await Promise.all(readers.map((reader) => reader.next('status')));
    for (const key of ['user:1:b', 'xylophone', 'user:1:z']) {
      tail.of({ source: 'all' }).passed(change(key));
      tail.of({ source: 'some' }).passed(change(key));
      tail.of({ sink: 'copy' }).passed(change(key));
    }
    await Promise.all(readers.map((reader) => reader.next('changes')));
    const three = ['user:1:b', 'xylophone', 'user:1:z'];
    expect(readers.map(keysOf)).toEqual([three, three, ['user:1:b', 'user:1:b', 'user:1:b'], ['xylophone']]);
  });

  test('counts what is too much to show', async () => {
    const { open, tail } = await start();
    const reader = await open('?tail=1&match=a*');
    await reader.next('status');
    for (let at = 0; at < 1_000; at += 1)
      for (const key of ['a', 'b']) tail.of({ source: 'all' }).passed(change(key + String(at)));
    const { changes, skipped } = await reader.next('changes');
    expect([changes.length, skipped]).toEqual([50, 950]);
  });

  test('says keys that are no text in base64, and cuts long ones', async () => {
    const { open, tail } = await start();
    const reader = await open('?tail=1');
    await reader.next('status');
    const binary = Buffer.from([0xff, 0x00, 0xfe]);
    for (const key of [binary, Buffer.from('é'.repeat(1_000)), Buffer.alloc(1_000, 0xff)])
      tail.of({ source: 'all' }).passed(change('', { key: keyName(key) }));
    const { changes } = await reader.next('changes');
    expect(changes[0]).toMatchObject({ key: binary.toString('base64'), keyEncoding: 'base64' });
    expect(changes[1]).toMatchObject({ key: 'é'.repeat(150), keyBytes: 2_000 });
    expect(changes[2]).toMatchObject({ keyEncoding: 'base64', keyBytes: 1_000 });
  });
});
