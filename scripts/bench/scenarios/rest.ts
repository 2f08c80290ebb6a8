import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import autocannon from 'autocannon';
import type { RedisServer } from '../../../test/support/stack.ts';
import type { Bench, Scenario } from '../bench.ts';
import { startMirror } from '../mirror.ts';
import type { Figure } from '../report.ts';

const CONNECTIONS = 50;
const SECONDS = 8;
/** Requests that the limit of redis-benchmark is measured with. */
const BENCHMARK_WRITES = 300_000;
const VALUE = 'x'.repeat(100);

const run = promisify(execFile);

interface Load {
  readonly perSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** SETs of 100 bytes, each of a key of its own, one request at a time on each connection. */
const shoot = async (port: number, seconds: number, headers: Readonly<Record<string, string>> = {}): Promise<Load> => {
  const { requests, latency, non2xx, errors } = await autocannon({
    url: `http://127.0.0.1:${port}/redis`,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(['SET', 'rest:[<id>]', VALUE]),
    idReplacement: true,
    connections: CONNECTIONS,
    duration: seconds,
  });
  if (non2xx + errors > 0) throw new Error(`${non2xx + errors} requests were not answered with 200`);
  return { perSecond: requests.average, medianMs: latency.p50, p99Ms: latency.p99 };
};

/** The same writes by Redis' own tool, on as many connections, without pipelining. */
const bareRedis = async ({ host, port }: RedisServer, count: number): Promise<number> => {
  const server = ['-h', host, '-p', String(port)];
  const shape = ['-n', String(count), '-c', String(CONNECTIONS), '-P', '1', '-r', '1000000000', '--csv'];
  const { stdout } = await run('redis-benchmark', [...server, ...shape, 'SET', 'bare:__rand_int__', VALUE]);
  const perSecond = /^"SET [^"]*","([\d.]+)"/m.exec(stdout)?.[1];
  if (perSecond === undefined) throw new Error(`redis-benchmark said: ${stdout}`);
  return Number(perSecond);
};

/** A route that does nothing, in a process of its own as the daemon is. */
const bareRoute = async (seconds: number): Promise<Load> => {
  const script = fileURLToPath(import.meta.resolve('../bare/web.ts'));
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [port] = (await once(createInterface(child.stdout), 'line')) as [string];
    return await shoot(Number(port), seconds);
  } finally {
    child.kill('SIGKILL');
  }
};

const figures = (what: string, { perSecond, medianMs, p99Ms }: Load, limits: Figure['limits']): readonly Figure[] => [
  { scenario: 'h', what, value: perSecond, unit: 'requests/s', limits },
  { scenario: 'h', what: `${what}, median`, value: medianMs, unit: 'ms', limits: [] },
  { scenario: 'h', what: `${what}, 99 %`, value: p99Ms, unit: 'ms', limits: [] },
];

const measure = async (bench: Bench): Promise<readonly Figure[]> => {
  const seconds = Math.max(bench.scaled(SECONDS), 2);
  const mirror = await startMirror(bench, 'rest');
  const { port } = mirror.daemon;
  // The first requests of a process are those of a cold one.
  await shoot(port, 1);
  const plain = await shoot(port, seconds);
  const acknowledged = await shoot(port, seconds, { 'keyferry-ack': 'kafka' });
  const redis = await bareRedis(mirror.redis, bench.scaled(BENCHMARK_WRITES));
  await mirror.stop();
  const route = await bareRoute(seconds);
  const limits = [
    { what: 'redis-benchmark -P 1', value: redis, unit: 'requests/s' },
    { what: 'bare fastify route', value: route.perSecond, unit: 'requests/s' },
  ];
  return [
    ...figures(`REST SETs, ${CONNECTIONS} connections`, plain, limits),
    ...figures(`REST SETs that Kafka acknowledged, ${CONNECTIONS} connections`, acknowledged, limits),
  ];
};

/** Writes through Redis REST, with and without waiting for Kafka, of a Redis that is mirrored. */
export const rest: Scenario = { id: 'h', title: 'requests/s of Redis REST', run: measure };
