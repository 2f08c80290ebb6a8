import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { type VerifyOptions, verify } from '../../src/cli/verify.ts';
import { systemClock } from '../../src/core/clock.ts';
import { Daemon } from '../support/daemon.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';

type Source = VerifyOptions['config']['sources'][number];

let server: RedisServer;
let redis: Redis;
let daemon: Daemon | undefined;
let topic: string;

beforeAll(async () => {
  server = await (await stackProvider()).startRedis();
  redis = new Redis(server.port, server.host);
});

afterAll(async () => {
  redis.disconnect();
  await server.kill();
});

beforeEach(async () => {
  await redis.flushall();
  topic = `verify-${randomUUID()}`;
});

afterEach(async () => {
  await daemon?.dispose();
});

const source = (changes: Partial<Source> = {}): Source => ({
  name: 'all',
  databases: [0],
  include: ['*'],
  exclude: [],
  topic,
  format: 'json',
  maxValueBytes: 1_000_000,
  ...changes,
});

const kafka = () => ({ brokers: [...inject('kafkaBrokers')], clientId: 'keyferry', client: 'platformatic' as const });

/** A daemon that has mirrored what Redis holds. */
const mirrored = async (...sources: readonly Source[]): Promise<Daemon> => {
  daemon = await Daemon.create({ redis: { url: server.url }, kafka: kafka(), sources });
  await daemon.start();
  await daemon.settled();
  return daemon;
};

const verified = async (
  sources: readonly Source[],
  limit = 20,
  clock = systemClock,
): Promise<{ status: number; lines: string[] }> => {
  const lines: string[] = [];
  const config = { redis: { url: server.url }, kafka: kafka(), sources };
  const status = await verify({ config, clock, limit, out: (line) => lines.push(line) });
  return { status, lines };
};

const writeEveryType = async (): Promise<void> => {
  await redis.set('string', 'v', 'PX', 600_000);
  await redis.set(Buffer.from([0, 255]), Buffer.from([255, 0]));
  await redis.hset('hash', { f: 'v', g: 'w' });
  await redis.rpush('list', 'a', 'b');
  await redis.sadd('set', 'b', 'a');
  await redis.zadd('zset', 1, 'a', '-inf', 'b');
  await redis.xadd('stream', '1-1', 'f', 'v');
  await redis.set('too-large', 'x'.repeat(1_200_000));
};

describe('verify', () => {
  it.each(['json', 'dump'] as const)('finds no drift in a settled mirror of all types, format %s', async (format) => {
    await writeEveryType();
    await mirrored(source({ format }));
    expect(await verified([source({ format })])).toEqual({
      status: 0,
      lines: ['all db0: 8 keys in Redis, 8 on the topic: 0 missing, 0 stale, 0 extra, 0 changing'],
    });
  });

  it('prints missing, stale and extra keys, the binary ones escaped, and ends with 1', async () => {
    await writeEveryType();
    await (await mirrored(source())).stop();
    await redis.set('new', '1');
    await redis.set(Buffer.from([0, 255]), 'other');
    await redis.persist('string');
    await redis.del('list');
    const { status, lines } = await verified([source()]);
    expect(status).toBe(1);
    expect(lines.slice(0, -1).sort()).toEqual([
      'extra     all  db0  "list"',
      'missing   all  db0  "new"',
      'stale     all  db0  "\\x00\\xff"',
      'stale     all  db0  "string"',
    ]);
    expect(lines.at(-1)).toBe('all db0: 8 keys in Redis, 8 on the topic: 1 missing, 2 stale, 1 extra, 0 changing');
  });

  it('prints no more keys of a kind than the limit, and counts all', async () => {
    await mirrored(source());
    await daemon?.stop();
    for (const name of ['a', 'b', 'c']) await redis.set(name, '1');
    const { lines } = await verified([source()], 2);
    expect(lines).toHaveLength(3);
    expect(lines.at(-1)).toContain('3 missing');
  });

  it('knows of a key that was set and deleted within one batch of the topic that it is gone', async () => {
    await mirrored(source());
    await redis.set('short', 'life');
    await daemon?.settled();
    await redis.del('short');
    await daemon?.settled();
    await daemon?.stop();
    expect((await verified([source()])).lines).toEqual([
      'all db0: 0 keys in Redis, 0 on the topic: 0 missing, 0 stale, 0 extra, 0 changing',
    ]);
  });

  it('finds no drift while keys change all the time', async () => {
    await mirrored(source());
    const writing = new AbortController();
    const writer = (async () => {
      for (let at = 0; !writing.signal.aborted; at += 1) await redis.set(`k${at % 500}`, String(at));
    })();
    try {
      // The daemon of a slow machine may take more than two seconds from Redis to Kafka.
      const patient = { ...systemClock, sleep: (ms: number) => systemClock.sleep(ms * 5) };
      const { status, lines } = await verified([source()], 20, patient);
      expect(lines.at(-1)).toMatch(/ 0 missing, 0 stale, 0 extra, /);
      expect(status).toBe(0);
    } finally {
      writing.abort();
      await writer;
    }
  });

  it('follows a template over several topics and databases, and the filter of the source', async () => {
    const templated = source({ databases: [0, 1], topic: `${topic}.{db}.{type}`, exclude: ['tmp:*'] });
    await redis.set('a', '1');
    await redis.set('tmp:a', '1');
    await redis.sadd('s', '1');
    const other = new Redis(server.port, server.host, { db: 1 });
    await other.set('b', '1');
    await (await mirrored(templated)).stop();
    await other.set('c', '1');
    other.disconnect();
    expect((await verified([templated])).lines).toEqual([
      'all db0: 2 keys in Redis, 2 on the topic: 0 missing, 0 stale, 0 extra, 0 changing',
      'missing   all  db1  "c"',
      'all db1: 2 keys in Redis, 1 on the topic: 1 missing, 0 stale, 0 extra, 0 changing',
    ]);
  });

  it('takes a topic that does not exist for one that holds nothing', async () => {
    await redis.set('a', '1');
    expect((await verified([source()])).lines.at(-1)).toContain('1 missing');
  });

  it('leaves nothing on disk', async () => {
    // A place of its own: others may be verifying at the same time.
    const place = mkdtempSync(join(tmpdir(), 'keyferry-test-'));
    vi.stubEnv('TMPDIR', place);
    await verified([source()]);
    vi.unstubAllEnvs();
    expect(readdirSync(place)).toEqual([]);
    rmdirSync(place);
  });

  it('says that there is nothing to compare where there is no source', async () => {
    expect(await verified([])).toEqual({ status: 0, lines: ['no sources: nothing to compare'] });
  });
});
