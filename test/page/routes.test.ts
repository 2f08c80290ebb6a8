import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ERROR_CODES } from '../../src/core/errors.ts';
import { type HttpServerOptions, createHttpServer } from '../../src/rest/http-server.ts';
import { httpDefaults } from '../support/http-defaults.ts';

describe('the files of the status page', () => {
  const started = async (options: Partial<HttpServerOptions> = {}) => {
    const server = createHttpServer({ ...httpDefaults(), ...options });
    const port = await server.listen();
    onTestFinished(() => server.close());
    return { port, get: (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init) };
  };

  it('need no token, since they hold no data, and forbid whatever is not of the daemon', async () => {
    const server = await started({ token: 'secret' });
    for (const path of ['/', '/page/app.js', '/page/base.css', '/page/uplot.js', '/page/uplot.css', '/page/errors']) {
      const answer = await server.get(path);
      expect(answer.status, path).toBe(200);
      const policy = answer.headers.get('content-security-policy');
      expect(policy, path).toContain("default-src 'none'");
      expect(policy, path).not.toContain('unsafe');
      expect(answer.headers.get('x-content-type-options'), path).toBe('nosniff');
    }
    expect((await server.get('/api/v1/access')).status).toBe(401);
  });

  it('pass any rate limit, which the page would reach by being loaded', async () => {
    const server = await started({ rateLimit: 1 });
    const answers = await Promise.all(Array.from({ length: 30 }, () => server.get('/page/base.css')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const asked = await Promise.all(Array.from({ length: 30 }, () => server.get('/api/v1/access')));
    expect(asked.map(({ status }) => status)).toContain(429);
  });

  it('are sent again only when they have changed', async () => {
    const server = await started();
    const first = await server.get('/page/uplot.js');
    const etag = first.headers.get('etag') ?? '';
    const again = await server.get('/page/uplot.js', { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
  });

  it('are all that can be asked for', async () => {
    const server = await started();
    for (const path of ['/page/nothing.js', '/page/uplot.d.ts', '/page/..%2froutes.ts', '/page/%2e%2e%2froutes.ts'])
      expect((await server.get(path)).status, path).toBe(404);
    // As no well-behaved client sends it.
    const socket = connect(server.port, '127.0.0.1');
    socket.end('GET /page/../routes.ts HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 404 /);
  });

  it('are all in the package that is published', async () => {
    const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      maxBuffer: 10_000_000,
    });
    const [pack] = JSON.parse(stdout) as readonly { readonly files: readonly { readonly path: string }[] }[];
    const packed = pack?.files.map(({ path }) => path) ?? [];
    const served = (await readdir('src/rest/page/assets')).filter((name) => /\.(html|css|js|svg)$/.test(name));
    expect(served).not.toEqual([]);
    expect(packed).toEqual(expect.arrayContaining(served.map((name) => `dist/rest/page/assets/${name}`)));
  });

  it('explain every error code', async () => {
    const server = await started();
    const page = await (await server.get('/page/errors')).text();
    for (const code of Object.keys(ERROR_CODES)) expect(page).toContain(`<section id="${code}">`);
  });
});
