import { createServer, connect as connectSocket } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { isKeyferryError } from '../../src/core/errors.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { type HttpServer, type HttpServerOptions, createHttpServer } from '../../src/rest/http-server.ts';
import { httpDefaults } from '../support/http-defaults.ts';

const TOKEN = 'open-sesame';
const STATUS = {
  version: '0.1.0',
  sources: [{ name: 'all-keys', pendingKeys: 3 }],
  sinks: [{ name: 'a/b', lag: null }],
};

const logLines: string[] = [];
const defaults: HttpServerOptions = {
  ...httpDefaults(),
  status: () => STATUS,
  logger: createLogger({ level: 'debug', format: 'json', destination: { write: (line) => logLines.push(line) } }),
};

const running: HttpServer[] = [];
afterEach(async () => {
  logLines.length = 0;
  await Promise.all(running.splice(0).map((server) => server.close()));
});

const start = async (options: Partial<HttpServerOptions> = {}) => {
  const server = createHttpServer({ ...defaults, ...options });
  running.push(server);
  const port = await server.listen();
  return { server, port, get: (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init) };
};
const codeOf = async (promise: Promise<unknown>) => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return isKeyferryError(error) ? { code: error.code, message: error.message } : error;
};

describe('the probes', () => {
  test('/livez is ok although the daemon is not ready', async () => {
    const { get } = await start({ health: () => ['kafka: no broker answers'] });
    const alive = await get('/livez');
    expect([alive.status, await alive.text()]).toEqual([200, 'ok']);
  });

  test('/readyz tells why the daemon is not ready, and that it is', async () => {
    let reasons: string[] = ['redis: connection refused', 'kafka: no broker answers'];
    const { get } = await start({ health: () => reasons });
    const missing = await get('/readyz');
    expect(missing.status).toBe(503);
    expect(await missing.json()).toEqual({ ready: false, reasons });
    reasons = [];
    const there = await get('/readyz');
    expect(there.status).toBe(200);
    expect(await there.json()).toEqual({ ready: true, reasons: [] });
  });

  test('/metrics is what Prometheus reads', async () => {
    const { get } = await start();
    const page = await get('/metrics');
    expect(page.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(await page.text()).toContain('# TYPE keyferry_source_records_total counter');
  });
});

describe('the status', () => {
  test('comes whole and in parts', async () => {
    const { get } = await start();
    const json = async (path: string) => (await get(path)).json();
    expect(await json('/api/v1/status')).toEqual(STATUS);
    expect(await json('/api/v1/sources')).toEqual(STATUS.sources);
    expect(await json('/api/v1/sinks')).toEqual(STATUS.sinks);
    expect(await json('/api/v1/sources/all-keys')).toEqual(STATUS.sources[0]);
    expect(await json('/api/v1/sinks/a%2Fb')).toEqual(STATUS.sinks[0]);
  });

  test.each(['/nothing', '/api/v1', '/api/v1/sources/nobody', '/api/v1/sources/all-keys/x', '/healthz?token=x'])(
    '%s, which does not exist, is a 404 in JSON',
    async (path) => {
      const { get } = await start();
      const answer = await get(path);
      expect(answer.status).toBe(404);
      const body = (await answer.json()) as { error: { code: string; message: string } };
      expect(body.error.code).toBe('not_found');
      expect(body.error.message).not.toContain('token');
    },
  );

  test.each(['/%zz', '/api/v1/sources/%zz'])('%s, which is malformed, is a 400 in JSON', async (path) => {
    const { get } = await start();
    const answer = await get(path);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { code: 'bad_request' } });
  });

  test('that cannot be told is a 500 that leaves the details to the log', async () => {
    const { get } = await start({
      status: () => {
        throw new Error('internal detail');
      },
    });
    const answer = await get('/api/v1/status');
    expect(answer.status).toBe(500);
    const body = await answer.text();
    expect(JSON.parse(body)).toMatchObject({ error: { code: 'internal' } });
    expect(body).not.toContain('internal detail');
    expect(logLines.join('')).toContain('internal detail');
  });
});

describe('the token', () => {
  test('opens /api, which is closed without it or with a wrong one', async () => {
    const { get } = await start({ token: TOKEN });
    const withHeader = (authorization: string) => get('/api/v1/status', { headers: { authorization } });
    const answers = [await get('/api/v1/status'), await withHeader(`Bearer ${TOKEN}x`), await withHeader(TOKEN)];
    for (const answer of answers) {
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      expect(await answer.json()).toMatchObject({ error: { code: 'unauthorized' } });
    }
    expect((await withHeader(`Bearer ${TOKEN}`)).status).toBe(200);
  });

  test('for reading opens what only tells', async () => {
    const { get } = await start({ token: TOKEN, readOnlyToken: 'look' });
    for (const path of ['/api/v1/status', '/api/v1/sources', '/api/v1/sinks/a%2Fb'])
      expect((await get(path, { headers: { authorization: 'Bearer look' } })).status).toBe(200);
  });

  test('is not needed for the probes and the metrics', async () => {
    const { get } = await start({ token: TOKEN });
    for (const path of ['/livez', '/readyz', '/metrics']) expect((await get(path)).status).toBe(200);
  });

  test.each(['0.0.0.0', '::', '10.1.2.3', 'keyferry.example'])(
    'must be set where the server listens on %s',
    async (host) => {
      const attempt = Promise.resolve().then(() => createHttpServer({ ...defaults, host }));
      expect(await codeOf(attempt)).toMatchObject({
        code: 'KF_CONFIG_INVALID',
        message: expect.stringContaining(host) as string,
      });
    },
  );

  test.each(['127.0.0.1', '127.8.9.10', 'localhost', '::1'])('may be left out where it listens on %s', (host) => {
    expect(() => createHttpServer({ ...defaults, host })).not.toThrow();
  });

  test('may be left out anywhere where that was said explicitly', () => {
    expect(() => createHttpServer({ ...defaults, host: '0.0.0.0', allowUnauthenticated: true })).not.toThrow();
  });

  test('lets the server listen where others can reach it', async () => {
    const { get } = await start({ host: '0.0.0.0', token: TOKEN });
    expect((await get('/livez')).status).toBe(200);
  });
});

describe('the server', () => {
  test('says which address is taken when it cannot listen', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    expect(await codeOf(start({ port }))).toEqual({
      code: 'KF_HTTP_LISTEN',
      message: `cannot listen on http.host 127.0.0.1, http.port ${port}: another process listens there`,
    });
    other.close();
  });

  test('answers what is under way before it closes, and closes idle connections', async () => {
    let answer: (text: string) => void = () => undefined;
    let asked: () => void = () => undefined;
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    const text = () => {
      asked();
      return new Promise<string>((resolve) => (answer = resolve));
    };
    const { server, port, get } = await start({ metrics: { text, contentType: 'text/plain' } });
    const idle = connectSocket(port, '127.0.0.1');
    await once(idle, 'connect');
    const request = get('/metrics');
    await isAsked;
    const closed = server.close();
    answer('late');
    expect(await (await request).text()).toBe('late');
    await closed;
    await expect(get('/livez')).rejects.toThrow();
    idle.destroy();
  });
});
