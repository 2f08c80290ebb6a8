import type { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { Mirror } from './mirror-fixture.ts';

const COUNT = 1_500;

const names = (prefix: string): readonly string[] => Array.from({ length: COUNT }, (_, n) => `${prefix}:${n}`);

/** Sends one command for each of the keys. */
const each = async (redis: Redis, prefix: string, command: readonly [string, ...string[]]): Promise<void> => {
  const [name, ...args] = command;
  await redis.pipeline(names(prefix).map((key) => [name, key, ...args])).exec();
};

describe('tombstones', () => {
  let mirror: Mirror;

  afterEach(async () => {
    await mirror.close();
  });

  it('tell keys that were deleted, that expired, and that Redis evicted for want of memory, apart', async () => {
    mirror = await Mirror.open({ redisArgs: ['--maxmemory-policy', 'allkeys-lru'] });
    const { redis, daemon } = mirror;
    await daemon.settled();
    for (const prefix of ['kept', 'deleted', 'short-lived']) await each(redis, prefix, ['set', 'x'.repeat(1_000)]);
    await mirror.converged();
    await each(redis, 'deleted', ['del']);
    // Long enough for the expiry to be published: what has expired when it is first read says `del`.
    for (let ttlMs = 4_000, left = 0; left < COUNT; ttlMs *= 3) {
      await each(redis, 'short-lived', ['set', 'x'.repeat(1_000), 'px', String(ttlMs)]);
      await mirror.daemon.settled();
      left = await redis.exists(...names('short-lived'));
    }
    await eventually(async () => (await redis.dbsize()) < COUNT + 10, { what: 'keys to expire', timeoutMs: 300_000 });
    await mirror.converged();

    const told = async (section: string, field: string): Promise<number> =>
      Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(await redis.info(section))?.[1]);
    // By little at a time: what connections take for a moment counts too.
    const areEvicted = async (): Promise<boolean> => {
      await redis.config('SET', 'maxmemory', (await told('memory', 'used_memory')) - 100_000);
      return (await told('stats', 'evicted_keys')) > 100;
    };
    await eventually(areEvicted, { what: 'keys to be evicted' });
    await redis.config('SET', 'maxmemory', 0);
    await mirror.converged();

    const kept = (await redis.keys('kept:*')).length;
    expect(kept).toBeLessThan(COUNT - 50);
    const found = new Map<string, number>();
    for (const [key, { value, headers }] of await mirror.lastRecords()) {
      const what = `${key.split(':')[0] ?? ''} ${value === null ? 'gone' : 'there'}: ${headers['kf-op'] ?? ''}`;
      found.set(what, (found.get(what) ?? 0) + 1);
    }
    expect(Object.fromEntries(found)).toEqual({
      'kept there: set': kept,
      'kept gone: evicted': COUNT - kept,
      'deleted gone: del': COUNT,
      'short-lived gone: expired': COUNT,
    });
  });
});
