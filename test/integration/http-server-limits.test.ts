import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { describe, expect, test, afterEach } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { type HttpServer, type HttpServerOptions, createHttpServer } from '../../src/rest/http-server.ts';
import { eventually } from '../support/eventually.ts';
import { httpDefaults } from '../support/http-defaults.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { RestFixture } from './redis-rest-fixture.ts';

const rest = new RestFixture();
const running: HttpServer[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(running.splice(0).map((server) => server.close()));
});

const start = async (options: Partial<HttpServerOptions> = {}): Promise<number> => {
  const server = createHttpServer({ ...httpDefaults(), ...options });
  running.push(server);
  return server.listen();
};

/** A client that writes and reads what it likes. */
const open = async (port: number) => {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  let received = '';
  socket.on('data', (chunk) => (received += String(chunk)));
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const ended = new Promise<string>((resolve) => {
    socket.on('close', () => {
      resolve(received);
    });
  });
  return { socket, ended, received: () => received };
};

const HEAD = 'POST /redis HTTP/1.1\r\nHost: localhost\r\n';
const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);

describe('a slow client is cut off', () => {
  const QUICK = { clientTimeoutMs: 1_000 };

  test('that says nothing', async () => {
    const { ended } = await open(await start(QUICK));
    expect(await ended).toMatch(/^$|^HTTP\/1\.1 408/);
  });

  test('that sends the head of a request a byte at a time', async () => {
    const { socket, ended } = await open(await start(QUICK));
    socket.write('GET /livez HTTP/1.1\r\nX-Long: ');
    const sending = setInterval(() => socket.write('x'), 20);
    // Whoever still writes may lose the answer.
    expect(await ended).toMatch(/^$|^HTTP\/1\.1 408/);
    clearInterval(sending);
  });

  test('that sends half a body', async () => {
    const { url } = await rest.start({}, QUICK);
    const { socket, ended } = await open(Number(new URL(url).port));
    socket.write(`${HEAD}Content-Length: 10\r\n\r\nhalf`);
    expect(statusOf(await ended)).toBe(408);
  });

  test('that does not read its answer, which does not stay in memory', async () => {
    // More than the sockets of both sides take.
    const answer = 'x'.repeat(20_000_000);
    const lines: string[] = [];
    const port = await start({
      clientTimeoutMs: 1_000,
      metrics: { text: () => Promise.resolve(answer), contentType: 'text/plain' },
      // The three minutes that it may take pass in a moment.
      clock: { ...systemClock, monotonic: () => performance.now() * 1_000 },
      logger: { ...silentLogger, debug: (_, message) => lines.push(message) },
    });
    const { socket, ended } = await open(port);
    socket.pause();
    socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await eventually(() => lines.includes('a client that does not read its answer is cut off'));
    socket.resume();
    expect((await ended).length).toBeLessThan(answer.length);
  });

  test('not that waits for an answer that takes its time', async () => {
    let release: (text: string) => void = () => undefined;
    const text = () => new Promise<string>((resolve) => (release = resolve));
    const port = await start({ clientTimeoutMs: 1_000, metrics: { text, contentType: 'text/plain' } });
    const { socket, received } = await open(port);
    socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
    // Another one, that comes later, has been cut off by then.
    await (
      await open(port)
    ).ended;
    release('at last');
    await eventually(() => received().endsWith('at last'), { what: 'the answer' });
  });
});

describe('the bodies of all requests together', () => {
  const LONG = JSON.stringify(['SET', 'long', 'x'.repeat(900)]);
  const set = ['SET', 'a', 'y'.repeat(600)];

  const startRest = async () => {
    const { url, post } = await rest.start(
      { maxBodyBytes: 1_000 },
      { maxBodyBytesInFlight: 1_500, clientTimeoutMs: 60_000 },
    );
    return { port: Number(new URL(url).port), post };
  };

  /** Sends the head of a request, and comes back when it has its room. */
  const begin = async (port: number, length: string) => {
    const client = await open(port);
    client.socket.write(`${HEAD}Expect: 100-continue\r\n${length}\r\n\r\n`);
    await eventually(() => statusOf(client.received()) === 100, { what: 'the server to wait for the body' });
    const answered = () => eventually(() => client.received().includes('HTTP/1.1 200'), { what: 'its answer' });
    return { socket: client.socket, answered };
  };

  test('have a limit: what has no room is told to come again, and runs nothing', async () => {
    const { port, post } = await startRest();
    const { socket, answered } = await begin(port, `Content-Length: ${LONG.length}`);
    const refused = await post('', set);
    expect(refused.status).toBe(503);
    expect(refused.json.error).toMatch(/^UNAVAILABLE the bodies of other requests .* nothing was run$/);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await post('', ['SET', 'small', '1'])).status).toBe(200);
    socket.write(LONG);
    await answered();
    expect(await rest.redis.strlen('long')).toBe(900);
    expect((await post('', set)).status).toBe(200);
  });

  test('take room no more when their clients have gone', async () => {
    const { port, post } = await startRest();
    for (let at = 0; at < 5; at += 1) {
      const { socket } = await begin(port, `Content-Length: ${LONG.length}`);
      socket.write(LONG.slice(0, 400));
      expect((await post('', set)).status).toBe(503);
      socket.destroy();
      await eventually(async () => (await post('', set)).status === 200, { what: 'the room to be free again' });
    }
  });

  test('count at their longest where they do not say how long they are', async () => {
    const { port, post } = await startRest();
    const { socket, answered } = await begin(port, 'Transfer-Encoding: chunked');
    expect((await post('', set)).status).toBe(503);
    const body = JSON.stringify(['PING']);
    socket.write(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
    await answered();
    expect((await post('', set)).status).toBe(200);
  });

  test('do not matter for one that is too long by itself', async () => {
    const { post } = await startRest();
    expect((await post('', ['SET', 'a', 'x'.repeat(3_000)])).status).toBe(413);
    expect((await post('', set)).status).toBe(200);
  });
});

describe('a rate limit', () => {
  const STATUS = '/api/v1/status';
  /** Time stands still: however slow the machine, all come within the same second. */
  const clock = { ...systemClock, monotonic: () => 0 };

  test('tells who asks too often when to come again, and does not so to probes', async () => {
    const port = await start({ rateLimit: 3, clock });
    const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    const answers = await Promise.all(Array.from({ length: 10 }, () => get(STATUS)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(7);
    expect(refused[0]?.headers.get('retry-after')).toBe('1');
    expect(await refused[0]?.json()).toMatchObject({ error: { code: 'too_many_requests' } });
    for (const path of ['/livez', '/readyz', '/livez', '/readyz']) expect((await get(path)).status).toBe(200);
  });

  test('holds up who guesses tokens', async () => {
    const port = await start({ rateLimit: 2, token: 'right', clock });
    const guess = (token: string) =>
      fetch(`http://127.0.0.1:${port}${STATUS}`, { headers: { authorization: `Bearer ${token}` } });
    const answers = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(guess));
    expect(answers.map(({ status }) => status).sort()).toEqual([401, 401, 429, 429, 429]);
  });

  test('says it in the words of the Redis protocol where that is spoken', async () => {
    const { post } = await rest.start({}, { rateLimit: 1, clock });
    const answers = await Promise.all([1, 2, 3].map(() => post('', ['PING'])));
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.json.error).toBe('UNAVAILABLE too many requests come from this address');
  });

  test('is none where it is 0', async () => {
    const port = await start();
    const answers = await Promise.all(Array.from({ length: 200 }, () => fetch(`http://127.0.0.1:${port}${STATUS}`)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
  });
});
