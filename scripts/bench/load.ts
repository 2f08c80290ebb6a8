import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { RedisServer } from '../../test/support/stack.ts';
import { eventually } from '../../test/support/eventually.ts';

const run = promisify(execFile);

/** So many keys that nearly every write meets a new one: two million of them collide two thousand times. */
const KEY_SPACE = 2_000_000_000;
const PIPELINE = 16;
const CHUNK = 50_000;
/** Changes not yet on the topic, past which the writer waits: Keyferry never idles, and a backlog proves nothing. */
const MAX_BACKLOG = 150_000;
const STALL_TIMEOUT_MS = 120_000;

/** A write of redis-benchmark, `__rand_int__` standing for twelve digits. */
export type Write = readonly string[];

export const STRING_WRITE: Write = ['SET', 'key:__rand_int__', 'x'.repeat(100)];

const FIELDS = 10;
const hashWrite = (bytes: number): Write => {
  const fields = Array.from({ length: FIELDS }, (_, at) => [`field${at}`, 'x'.repeat(bytes / FIELDS)]);
  return ['HSET', 'hash:__rand_int__', ...fields.flat()];
};
/** Taken in turns. */
export const HASH_WRITES: readonly Write[] = [200, 400, 600, 800, 1000].map(hashWrite);

/** redis-benchmark with 50 connections. @returns writes/s by its own word */
export const benchmarkWrites = async ({ host, port }: RedisServer, write: Write, count: number): Promise<number> => {
  const server = ['-h', host, '-p', String(port)];
  const shape = ['-n', String(count), '-r', String(KEY_SPACE), '-P', String(PIPELINE), '--csv'];
  const { stdout } = await run('redis-benchmark', [...server, ...shape, ...write]);
  // "SET key:__rand_int__ xxx","123456.78",...
  const perSecond = /^"(?:SET|HSET) [^"]*","([\d.]+)"/m.exec(stdout)?.[1];
  if (perSecond === undefined) throw new Error(`redis-benchmark said: ${stdout}`);
  return Number(perSecond);
};

/** Keeps Keyferry saturated: writes in chunks, the next as soon as the backlog leaves room for it. */
export const saturate = async (options: {
  readonly redis: RedisServer;
  readonly writes: readonly Write[];
  readonly count: number;
  /** Records on the topic so far. */
  readonly published: () => Promise<number>;
}): Promise<void> => {
  const { redis, writes, count, published } = options;
  for (let written = 0, turn = 0; written < count; turn += 1) {
    const write = writes[turn % writes.length] ?? STRING_WRITE;
    const chunk = Math.min(CHUNK, count - written);
    await benchmarkWrites(redis, write, chunk);
    written += chunk;
    await eventually(async () => written - (await published()) < MAX_BACKLOG, {
      timeoutMs: STALL_TIMEOUT_MS,
      what: 'the backlog to shrink',
    });
  }
};
