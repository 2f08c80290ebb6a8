import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { RedisServer } from '../../test/support/stack.ts';
import { eventually } from '../../test/support/eventually.ts';

const run = promisify(execFile);

/** So many keys that hardly a write of a chunk meets a key of the same chunk. */
const KEY_SPACE = 2_000_000_000;
const PIPELINE = 16;
const CHUNK = 50_000;
/** Changes not yet on the topic, past which the writer waits: Keyferry never idles, and a backlog proves nothing. */
const MAX_BACKLOG = 150_000;
const STALL_TIMEOUT_MS = 120_000;

/**
 * The arguments of redis-benchmark for one chunk, `__rand_int__` standing for twelve digits. The chunk's number is part of
 * its keys: the tool seeds itself with its process id and the second, and two chunks may well draw the same numbers.
 */
export type Write = (chunk: number) => readonly string[];

export const writeString: Write = (chunk) => ['SET', `key:${chunk}:__rand_int__`, 'x'.repeat(100)];

/** The tool writes `{tag}` so that each of its connections reaches the node it is to. */
export const writeClusterString: Write = (chunk) => ['SET', `key:{tag}:${chunk}:__rand_int__`, 'x'.repeat(100)];

const HASH_FIELDS = 10;
const HASH_BYTES = [600, 200, 1000, 400, 800];

/** Sizes in turns. */
export const writeHash: Write = (chunk) => {
  const bytes = HASH_BYTES[chunk % HASH_BYTES.length] ?? 0;
  const fields = Array.from({ length: HASH_FIELDS }, (_, at) => [`field${at}`, 'x'.repeat(bytes / HASH_FIELDS)]);
  return ['HSET', `hash:${chunk}:__rand_int__`, ...fields.flat()];
};

/** A server, or a node of the cluster that is meant. */
export interface BenchmarkTarget extends Pick<RedisServer, 'host' | 'port'> {
  readonly isCluster?: boolean;
}

/** redis-benchmark with 50 connections. @returns writes/s by its own word */
export const benchmarkWrites = async (
  { host, port, isCluster = false }: BenchmarkTarget,
  write: readonly string[],
  count: number,
): Promise<number> => {
  const server = ['-h', host, '-p', String(port), ...(isCluster ? ['--cluster'] : [])];
  const shape = ['-n', String(count), '-r', String(KEY_SPACE), '-P', String(PIPELINE), '--csv'];
  const { stdout } = await run('redis-benchmark', [...server, ...shape, ...write]);
  // "SET key:__rand_int__ xxx","123456.78",...
  const perSecond = /^"(?:SET|HSET|XADD|LPUSH) [^"]*","([\d.]+)"/m.exec(stdout)?.[1];
  if (perSecond === undefined) throw new Error(`redis-benchmark said: ${stdout}`);
  return Number(perSecond);
};

/** Keeps Keyferry saturated: writes in chunks, the next as soon as the backlog leaves room for it. */
export const saturate = async (options: {
  readonly redis: BenchmarkTarget;
  readonly write: Write;
  readonly count: number;
  /** Records on the topic so far. */
  readonly published: () => Promise<number>;
}): Promise<void> => {
  const { redis, write, count, published } = options;
  for (let written = 0, chunk = 0; written < count; chunk += 1) {
    const size = Math.min(CHUNK, count - written);
    await benchmarkWrites(redis, write(chunk), size);
    written += size;
    await eventually(async () => written - (await published()) < MAX_BACKLOG, {
      timeoutMs: STALL_TIMEOUT_MS,
      what: 'the backlog to shrink',
    });
  }
};
