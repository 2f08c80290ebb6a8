/**
 * Touch and converge with nothing around it: notifications into a set, 500 keys a script call, JSON, a batch to Kafka. No
 * store, no comparison, no gaps, no expiry, UTF-8 only, two types: the limit of every mirror made of these libraries.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { connectKafka } from '../../../src/clients/kafka/connect.ts';
import type { OutgoingRecord } from '../../../src/clients/kafka/port.ts';
import type { MirrorTask } from '../bare.ts';
import { stopwatch, task, tellReady } from './stopwatch.ts';

const BATCH = 500;
const READS = 8;
const IDLE_MS = 2;
const READ = `
local found = {}
for at, key in ipairs(KEYS) do
  found[at] = redis.call('TYPE', key).ok == 'hash' and redis.call('HGETALL', key) or redis.call('GET', key)
end
return found`;

const { url, client, brokers, topic, count } = task as MirrorTask;
const subscriber = new Redis(url);
const redis = new Redis(url);
const producer = await connectKafka({ client, brokers, clientId: 'keyferry-bench' }).producer();
const pending = new Map<string, number>();

const headers = (type: string, seenAt: number): ReadonlyMap<string, Buffer> =>
  new Map([
    ['kf-op', Buffer.from('set')],
    ['kf-type', Buffer.from(type)],
    ['kf-db', Buffer.from('0')],
    ['kf-ts', Buffer.from(String(seenAt))],
    ['kf-origin', Buffer.from('0123456789abcdef')],
    ['kf-v', Buffer.from('1')],
  ]);

const hash = (flat: readonly string[]): Record<string, string> => {
  const fields = Array.from({ length: flat.length / 2 }, (_, at): [string, string] => [
    flat[2 * at] ?? '',
    flat[2 * at + 1] ?? '',
  ]);
  return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
};

const read = async (batch: readonly (readonly [string, number])[]): Promise<readonly OutgoingRecord[]> => {
  const keys = batch.map(([key]) => key);
  const found = (await redis.eval(READ, keys.length, ...keys)) as readonly (string | readonly string[])[];
  return batch.map(([key, seenAt], at) => {
    const content = found[at] ?? '';
    const isString = typeof content === 'string';
    const type = isString ? 'string' : 'hash';
    const value = JSON.stringify({ type, value: isString ? content : hash(content) });
    return { topic, key: Buffer.from(key), value: Buffer.from(value), headers: headers(type, seenAt) };
  });
};

let stop: ReturnType<typeof stopwatch> | undefined;
subscriber.on('pmessageBuffer', (_pattern: Buffer, _channel: Buffer, key: Buffer) => {
  stop ??= stopwatch();
  pending.set(key.toString(), Date.now());
});
await subscriber.psubscribe('__keyevent@0__:*');
tellReady();

/** While one send is under way the next batches are read. */
let sending: Promise<unknown> = Promise.resolve();
let published = 0;
while (published < count) {
  const batch = pending
    .entries()
    .take(BATCH * READS)
    .toArray();
  for (const [key] of batch) pending.delete(key);
  const parts = Array.from({ length: Math.ceil(batch.length / BATCH) }, (_, at) =>
    batch.slice(at * BATCH, (at + 1) * BATCH),
  );
  const records = (await Promise.all(parts.map(read))).flat();
  await sending;
  if (records.length > 0) sending = producer.send(records);
  else await sleep(IDLE_MS);
  published += records.length;
}
await sending;
stop?.(published);
await producer.close();
subscriber.disconnect();
redis.disconnect();
