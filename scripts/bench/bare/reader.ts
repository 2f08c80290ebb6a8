/** Goes through all keys by SCAN and reads each page with one MGET: the limit of every reconcile of strings. */
import { Redis } from 'ioredis';
import type { RedisTask } from '../bare.ts';
import { stopwatch, task, tellReady } from './stopwatch.ts';

const PAGE = 500;

const { url } = task as RedisTask;
const redis = new Redis(url);
await redis.ping();
tellReady();
const stop = stopwatch();
let read = 0;
let cursor = '0';
do {
  const [next, keys] = await redis.scanBuffer(cursor, 'COUNT', PAGE);
  if (keys.length > 0) read += (await redis.mgetBuffer(keys)).length;
  cursor = next.toString();
} while (cursor !== '0');
stop(read);
redis.disconnect();
