import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RedisWatch } from '../../../src/app/redis-watch.ts';
import type { RedisMaster } from '../../../src/clients/redis/port.ts';
import { KeyferryError } from '../../../src/core/errors.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../support/silent-logger.ts';
import { ScriptedRedis } from '../redis-to-kafka/scripted-redis.ts';

const master = (id: string, port: number): RedisMaster => ({ id, host: 'h', port, slots: [] });
const A = master('a', 1);
const B = master('b', 2);
const FULL = 'used_memory:900\r\nmaxmemory:1000\r\nevicted_keys:7\r\n';
const EVERY_MS = 15_000;

let redis: ScriptedRedis;
let clock: FakeClock;
let told: string[];
let watch: RedisWatch;
let stop: AbortController;
let running: Promise<void>;

beforeEach(() => {
  redis = new ScriptedRedis();
  redis.info = FULL;
  clock = new FakeClock();
  told = [];
  stop = new AbortController();
  const tell = (_: object, text: string): void => void told.push(text);
  watch = new RedisWatch(redis, { clock, logger: { ...silentLogger, debug: tell, info: tell, warn: tell } });
});

afterEach(async () => {
  stop.abort();
  await running;
  await watch.close();
  expect(redis.open).toEqual([]);
});

const begin = async (): Promise<void> => {
  running = watch.run(stop.signal);
  await clock.advance(0);
};
const addresses = (): readonly string[] => watch.loads().map(({ address }) => address);

describe('the watch over Redis', () => {
  it('asks each master, now and then', async () => {
    redis.show(A, B);
    await begin();
    expect(watch.loads()).toEqual([
      { address: 'h:1', usedMemoryBytes: 900, maxMemoryBytes: 1000, evictedKeys: 7 },
      { address: 'h:2', usedMemoryBytes: 900, maxMemoryBytes: 1000, evictedKeys: 7 },
    ]);
    redis.info = FULL.replace('900', '950');
    await clock.advance(EVERY_MS);
    expect(watch.loads().map(({ usedMemoryBytes }) => usedMemoryBytes)).toEqual([950, 950]);
  });

  it('knows no limit where Redis says 0, and nothing where it says nothing', async () => {
    redis.show(A);
    redis.info = 'maxmemory:0\r\n';
    await begin();
    expect(watch.loads()).toEqual([
      { address: 'h:1', usedMemoryBytes: undefined, maxMemoryBytes: undefined, evictedKeys: undefined },
    ]);
  });

  it('tells of those that answer while another is away, and of that one again once it is back', async () => {
    redis.show(A, B);
    redis.away.add('b');
    await begin();
    expect(addresses()).toEqual(['h:1']);
    redis.away.clear();
    await clock.advance(EVERY_MS);
    expect(addresses()).toEqual(['h:1', 'h:2']);
  });

  it('forgets what a master said that is none any more', async () => {
    redis.show(A, B);
    await begin();
    redis.show(B);
    await clock.advance(EVERY_MS);
    expect(addresses()).toEqual(['h:2']);
  });

  it('says once that nobody tells who the masters are, though those known answer, and that somebody does again', async () => {
    redis.show(A);
    redis.failure = new KeyferryError('KF_REDIS_AUTH', 'no sentinel lets us in');
    await begin();
    expect(told).toEqual([]);
    await clock.advance(3 * EVERY_MS);
    const unseen = 'nobody tells who the masters of Redis are: one that takes over would be missed';
    expect(told).toEqual([unseen]);
    expect(addresses()).toEqual(['h:1']);
    redis.failure = undefined;
    await clock.advance(2 * EVERY_MS);
    expect(told).toEqual([unseen, 'Redis tells who its masters are again']);
    redis.failure = new KeyferryError('KF_REDIS_UNAVAILABLE', 'no sentinel answers');
    await clock.advance(EVERY_MS);
    redis.failure = undefined;
    await clock.advance(EVERY_MS);
    expect(told).toHaveLength(2);
  });

  it('says once that it may not ask, and goes on', async () => {
    redis.show(A);
    redis.info = new KeyferryError('KF_REDIS_PERMISSION', 'NOPERM info');
    await begin();
    await clock.advance(EVERY_MS);
    await clock.advance(EVERY_MS);
    expect([addresses(), told.length]).toEqual([[], 1]);
    redis.info = FULL;
    await clock.advance(EVERY_MS);
    expect(addresses()).toEqual(['h:1']);
  });
});
