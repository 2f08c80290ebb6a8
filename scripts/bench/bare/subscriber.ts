/** Receives key-event notifications and does nothing with them: the limit of every notification feed. */
import { Redis } from 'ioredis';
import type { RedisTask } from '../bare.ts';
import { stopwatch, task, tellReady } from './stopwatch.ts';

const { url, count } = task as RedisTask;
const redis = new Redis(url);
let stop: ReturnType<typeof stopwatch> | undefined;
let received = 0;
redis.on('pmessageBuffer', () => {
  stop ??= stopwatch();
  received += 1;
  if (received < count) return;
  stop(received);
  redis.disconnect();
});
await redis.psubscribe('__keyevent@0__:*');
tellReady();
