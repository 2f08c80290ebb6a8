import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { beforeAll, beforeEach, describe, expect, inject, onTestFinished, test } from 'vitest';
import { Daemon } from '../support/daemon.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';
import { Workplace } from '../support/workplace.ts';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);

let server: RedisServer;
let topic: string;
beforeAll(async () => {
  await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { cwd: ROOT });
  server = await (await stackProvider()).startRedis();
});
beforeEach(() => {
  topic = `round-trip-${randomUUID()}`;
});

const start = async (source: object, more: object = {}): Promise<Daemon> => {
  const daemon = await Daemon.create({
    redis: { url: server.url },
    kafka: { brokers: [...inject('kafkaBrokers')] },
    sources: [{ name: 'keys', topic, ...source }],
    ...more,
  });
  onTestFinished(() => daemon.dispose());
  await daemon.start();
  return daemon;
};

/** The script of `helm test`, as the chart runs it but for the place of the client. */
const roundTrip = async (port: number, env: Readonly<Record<string, string>> = {}, timeoutMs = 30_000) => {
  const script = join(ROOT, 'helm/keyferry/files/round-trip.mjs');
  const environment = {
    KEYFERRY_URL: `http://127.0.0.1:${port}`,
    KEYFERRY_CLIENT: join(ROOT, 'dist/client/client.js'),
    KEYFERRY_TEST_KEY: 'helm-test:{id}',
    KEYFERRY_TEST_TIMEOUT_MS: String(timeoutMs),
    ...env,
  };
  return run(process.execPath, [script], { env: environment }).then(
    ({ stdout }) => ({ status: 0, stdout }),
    (error: unknown) => {
      const { code, stdout } = error as { readonly code: number; readonly stdout: string };
      return { status: code, stdout };
    },
  );
};

describe('the script of helm test', () => {
  test('tells where Kafka has what it wrote and deleted, and leaves nothing behind', async () => {
    const daemon = await start({});
    const { status, stdout } = await roundTrip(daemon.port);
    expect(stdout).toMatch(new RegExp(`^wrote helm-test:.*; Kafka has it at ${topic}/\\d@\\d+$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^deleted it; Kafka has that at ${topic}/\\d@\\d+$`, 'm'));
    expect(status).toBe(0);
    const redis = new Redis(server.url);
    expect(await redis.keys('helm-test:*')).toEqual([]);
    redis.disconnect();
  });

  test('shows the token', async () => {
    const place = new Workplace();
    onTestFinished(() => place.close());
    const file = join(place.dir, 'token');
    writeFileSync(file, 'right\n');
    const daemon = await start({}, { http: { token: 'right' } });
    expect(await roundTrip(daemon.port, { KEYFERRY_TOKEN_FILE: file })).toMatchObject({ status: 0 });
    writeFileSync(file, 'wrong\n');
    expect(await roundTrip(daemon.port, { KEYFERRY_TOKEN_FILE: file })).toMatchObject({ status: 1 });
  });

  test('is content with readiness where no source carries its key, and says so', async () => {
    const daemon = await start({ include: ['app:*'] });
    const { status, stdout } = await roundTrip(daemon.port);
    expect(stdout).toContain('no round trip: ');
    expect(status).toBe(0);
  });

  test('is content with readiness where REST is off', async () => {
    const daemon = await start({}, { rest: { enabled: false } });
    const { status, stdout } = await roundTrip(daemon.port);
    expect(stdout).toContain('no round trip: REST is off');
    expect(status).toBe(0);
  });

  test('fails where Redis takes no write', async () => {
    const daemon = await start({ canaryEvery: '1h' });
    const redis = new Redis(server.url);
    await redis.config('SET', 'maxmemory', '1');
    const { status, stdout } = await roundTrip(daemon.port);
    await redis.config('SET', 'maxmemory', '0');
    redis.disconnect();
    expect(stdout).toContain('failed: OOM');
    expect(status).toBe(1);
  });

  test('fails where nobody answers, and says where it asked', async () => {
    const { status, stdout } = await roundTrip(1, {}, 1);
    expect(stdout).toContain('http://127.0.0.1:1 cannot be reached');
    expect(status).toBe(1);
  });
});
