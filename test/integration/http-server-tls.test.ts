import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { type RequestOptions, request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { type HttpServer, createHttpServer } from '../../src/rest/http-server.ts';
import type { ServerTls } from '../../src/rest/server-certificate.ts';
import { type Authority, type Certificate, createAuthority } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { httpDefaults } from '../support/http-defaults.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { Workplace } from '../support/workplace.ts';

const workplace = new Workplace();
let ca: Authority;
let theirs: Certificate;
beforeAll(async () => {
  ca = await createAuthority(workplace.path('ca'));
  theirs = await ca.issue('server');
});
afterAll(() => workplace.close());

const running: HttpServer[] = [];
const lines: string[] = [];
/** Calls of `every`: a test says when it is time to look for a renewed certificate. */
const ticks: (() => void)[] = [];
afterEach(async () => {
  lines.length = 0;
  ticks.length = 0;
  await Promise.all(running.splice(0).map((server) => server.close()));
});

const start = async (tls: ServerTls, host = '127.0.0.1'): Promise<number> => {
  const log = (_: object, message: string): void => void lines.push(message);
  const server = createHttpServer({
    ...httpDefaults(),
    host,
    tls,
    logger: { ...silentLogger, info: log, warn: log },
    clock: {
      ...systemClock,
      every: (_, tick) => {
        ticks.push(tick);
        return () => undefined;
      },
    },
  });
  running.push(server);
  return server.listen();
};

interface Answer {
  readonly status: number;
  /** Common name of the certificate that the server showed. */
  readonly shown: string;
}

const get = (port: number, options: RequestOptions = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const trusting = { ca: readFileSync(ca.caFile), agent: false, host: '127.0.0.1', path: '/api/v1/status', port };
    request({ ...trusting, ...options }, (response) => {
      const { subject } = (
        response.socket as Pick<TLSSocket, 'getPeerCertificate'> & typeof response.socket
      ).getPeerCertificate();
      response.resume();
      resolve({ status: response.statusCode ?? 0, shown: String(subject.CN) });
    })
      .on('error', reject)
      .end();
  });

const overwrite = (files: Certificate, from: Certificate): void => {
  copyFileSync(from.certFile, files.certFile);
  copyFileSync(from.keyFile, files.keyFile);
};

const copied = (from: Certificate): Certificate => {
  const files = { certFile: workplace.path('copied.pem'), keyFile: workplace.path('copied.key') };
  overwrite(files, from);
  return files;
};

const look = (): void => {
  for (const tick of ticks) tick();
};

describe('the server with a certificate', () => {
  test('serves HTTPS, and nobody without', async () => {
    const port = await start(theirs);
    expect(await get(port)).toEqual({ status: 200, shown: 'server' });
    await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow();
  });

  test('serves it on all addresses of its host', async () => {
    const port = await start(theirs, 'localhost');
    expect(await get(port, { host: 'localhost' })).toEqual({ status: 200, shown: 'server' });
  });

  test('is that of a page of its own, by https', async () => {
    const port = await start(theirs);
    const from = (origin: string) => get(port, { headers: { origin, host: `localhost:${port}` } });
    expect((await from(`https://localhost:${port}`)).status).toBe(200);
    expect((await from(`http://localhost:${port}`)).status).toBe(401);
  });

  test('takes no protocol older than TLS 1.2', async () => {
    const port = await start(theirs);
    await expect(get(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })).rejects.toThrow();
    expect((await get(port, { maxVersion: 'TLSv1.2' })).status).toBe(200);
  });

  test('wants one of clients where it is told whose', async () => {
    const port = await start({ ...theirs, caFile: ca.caFile });
    const as = ({ certFile, keyFile }: Certificate): RequestOptions => ({
      cert: readFileSync(certFile),
      key: readFileSync(keyFile),
    });
    await expect(get(port)).rejects.toThrow();
    const stranger = await createAuthority(workplace.path('stranger'));
    await expect(get(port, as(await stranger.issue('unknown')))).rejects.toThrow();
    expect((await get(port, as(await ca.issue('known')))).status).toBe(200);
  });
});

describe('a renewed certificate', () => {
  test('is shown to who comes then, without a restart', async () => {
    const files = copied(theirs);
    const port = await start(files);
    overwrite(files, await ca.issue('newer'));
    expect((await get(port)).shown).toBe('server');
    look();
    await eventually(async () => (await get(port)).shown === 'newer', { what: 'the renewed certificate' });
    expect(lines).toEqual(['the HTTP certificate was renewed']);
  });

  test('that does not fit its key yet is let be, and said once; the one before stays in use', async () => {
    const files = copied(theirs);
    const port = await start(files);
    const newer = await ca.issue('newer');
    copyFileSync(newer.certFile, files.certFile);
    look();
    await eventually(() => lines.length === 1, { what: 'the warning' });
    look();
    expect((await get(port)).shown).toBe('server');
    copyFileSync(newer.keyFile, files.keyFile);
    // A look that is under way is not made twice.
    await eventually(async () => {
      look();
      return (await get(port)).shown === 'newer';
    });
    expect(lines).toEqual([
      'the renewed HTTP certificate cannot be used; the one before stays in use',
      'the HTTP certificate was renewed',
    ]);
  });
});

describe('a certificate that cannot be used', () => {
  test.each([
    ['is not there', (files: Certificate) => ({ ...files, certFile: '/nowhere.pem' }), /ENOENT/],
    ['is no PEM', (files: Certificate) => ({ ...files, certFile: garbage() }), /http\.tls cannot be used/],
  ])('keeps the server from listening: it %s', async (_, broken, message) => {
    const attempt = start(broken(theirs));
    await expect(attempt).rejects.toMatchObject({ code: 'KF_HTTP_LISTEN' });
    await expect(attempt).rejects.toThrow(message);
  });

  const garbage = (): string => {
    const file = workplace.path('garbage.pem');
    writeFileSync(file, 'garbage');
    return file;
  };
});
