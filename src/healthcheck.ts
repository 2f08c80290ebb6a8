/**
 * What the image's HEALTHCHECK runs: asks /livez of the daemon whose configuration KEYFERRY_CONFIG names, wherever that
 * says it listens. Exit status 0: it answers; 1: it does not, and a line says why.
 */
import { readFileSync } from 'node:fs';
import { type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { loadConfig } from './config/load-config.ts';

const TIMEOUT_MS = 4_000;
/** Who listens on every address does so on loopback, and these are no addresses to connect to. */
const LOOPBACK: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
/** Who refuses a client without a certificate (http.tls.caFile) is alive. */
const ALIVE = 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED';

interface Server {
  readonly host: string;
  readonly port: number;
  readonly tls: object | undefined;
}

/** @throws where it does not answer in time. */
const statusOf = ({ host, port, tls }: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    const options: RequestOptions = { host: LOOPBACK[host] ?? host, port, path: '/livez', agent: false };
    const request =
      // The certificate need not name loopback, and nothing secret is sent.
      tls === undefined ? requestHttp(options) : requestHttps({ ...options, rejectUnauthorized: false });
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    signal.addEventListener('abort', () => request.destroy(new Error(`no answer in ${TIMEOUT_MS / 1000} s`)));
    request.on('response', ({ statusCode = 0 }) => {
      resolve(statusCode);
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === ALIVE) resolve(200);
      else reject(error);
    });
    request.end();
  });

const fail = (why: string): never => {
  process.stderr.write(`keyferry: /livez: ${why}\n`);
  process.exit(1);
};

try {
  const readFile = (path: string): string => readFileSync(path, 'utf8');
  const file = process.env['KEYFERRY_CONFIG'] ?? '';
  const { http } = loadConfig({ file, environment: process.env, readFile });
  const status = await statusOf(http);
  if (status !== 200) fail(`status ${status}`);
  process.exit(0);
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
}
