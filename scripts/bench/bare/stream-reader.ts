/** Reads a stream in a group of its own and does nothing with the entries: the limit of every stream source. */
import { Redis } from 'ioredis';
import type { StreamTask } from '../bare.ts';
import { stopwatch, task, tellReady } from './stopwatch.ts';

const BATCH = 500;

const { url, stream, count } = task as StreamTask;
const redis = new Redis(url);
await redis.xgroup('CREATE', stream, 'bare', '0');
tellReady();
const stop = stopwatch();
let read = 0;
while (read < count) {
  const from = ['GROUP', 'bare', 'bare', 'COUNT', BATCH, 'STREAMS', stream, '>'];
  const reply = (await redis.callBuffer('XREADGROUP', ...from)) as [Buffer, unknown[]][] | null;
  const [[, entries] = []] = reply ?? [];
  if (entries === undefined) throw new Error(`the stream ended after ${read} of ${count} entries`);
  read += entries.length;
}
stop(read);
redis.disconnect();
