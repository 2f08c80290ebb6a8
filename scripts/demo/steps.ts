import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { KeyOp } from '../../src/core/key-record.ts';
import { eventually } from '../../test/support/eventually.ts';
import { PREFIX } from './given.ts';

/** One kind of change, and what must be true of its keys in the end. */
export interface Step {
  readonly name: string;
  /** What the last record of each key must say. */
  readonly keys: readonly { readonly key: Buffer; readonly op: KeyOp }[];
  /**
   * Writes that must have been carried before `run`, so that it changes something there. Done once more, as the next
   * attempt, where they have expired before.
   */
  readonly before?: (redis: Redis, attempt: number) => Promise<unknown>;
  readonly run: (redis: Redis) => Promise<unknown>;
}

const TTL_MS = 600_000;
const SHORT_MS = 300;

const name = (text: string): string => PREFIX + text;
const key = (text: string, op: KeyOp = 'set') => ({ key: Buffer.from(name(text)), op });
const binaryKey = Buffer.concat([Buffer.from(name('binary:')), Buffer.from([0, 255, 195, 40, 13, 10])]);

const untilGone = (redis: Redis, key: string): Promise<unknown> =>
  eventually(async () => (await redis.exists(key)) === 0, { what: `the expiry of ${key}` });

export const STEPS: readonly Step[] = [
  { name: 'string', keys: [key('string')], run: (redis) => redis.set(name('string'), 'grüße') },
  {
    name: 'string, binary key and value',
    keys: [{ key: binaryKey, op: 'set' }],
    run: (redis) => redis.set(binaryKey, randomBytes(256)),
  },
  {
    name: 'hash',
    keys: [key('hash')],
    run: (redis) => redis.hset(name('hash'), { name: 'Ada', city: 'London', '': 'no name' }),
  },
  { name: 'list', keys: [key('list')], run: (redis) => redis.rpush(name('list'), 'b', 'a', 'b', '') },
  { name: 'set', keys: [key('set')], run: (redis) => redis.sadd(name('set'), 'x', 'y', 'z') },
  {
    name: 'zset, scores shared and infinite',
    keys: [key('zset')],
    run: (redis) => redis.zadd(name('zset'), 1, 'a', 1, 'b', 0.1, 'c', 'inf', 'last', '-inf', 'first'),
  },
  {
    name: 'stream with a consumer group',
    keys: [key('stream')],
    run: async (redis) => {
      const first = (await redis.xadd(name('stream'), '*', 'order', '1')) ?? '0';
      await redis.xadd(name('stream'), '*', 'order', '2', 'order', '2 again');
      await redis.xgroup('CREATE', name('stream'), 'billing', first);
    },
  },
  { name: 'time to live', keys: [key('ttl')], run: (redis) => redis.set(name('ttl'), 'soon', 'PX', TTL_MS) },
  {
    name: 'expiry',
    keys: [key('expiry', 'expired')],
    // A slow machine may need longer to carry it.
    before: (redis, attempt) => redis.set(name('expiry'), 'brief', 'PX', SHORT_MS * 4 ** (attempt - 1)),
    run: (redis) => untilGone(redis, name('expiry')),
  },
  {
    name: 'deletion',
    keys: [key('deleted', 'del')],
    before: (redis) => redis.set(name('deleted'), 'here'),
    run: (redis) => redis.del(name('deleted')),
  },
  {
    name: 'rename',
    keys: [key('old-name', 'del'), key('new-name')],
    before: (redis) => redis.set(name('old-name'), 'moves'),
    run: (redis) => redis.rename(name('old-name'), name('new-name')),
  },
];

export const FLUSH: Step = {
  name: 'FLUSHDB',
  keys: [key('string', 'flushed'), key('hash', 'flushed')],
  run: (redis) => redis.flushdb(),
};
