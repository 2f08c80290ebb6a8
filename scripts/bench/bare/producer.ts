/** Sends records like those of a string key, batch by batch, each awaited: the limit of every publisher. */
import { connectKafka } from '../../../src/clients/kafka/connect.ts';
import type { OutgoingRecord } from '../../../src/clients/kafka/port.ts';
import type { KafkaTask } from '../bare.ts';
import { stopwatch, task, tellReady } from './stopwatch.ts';

const BATCH = 5_000;

const { client, brokers, topic, count } = task as KafkaTask;
const producer = await connectKafka({ client, brokers, clientId: 'keyferry-bench' }).producer();
const value = Buffer.from(JSON.stringify({ type: 'string', value: 'x'.repeat(100) }));
const record = (at: number): OutgoingRecord => ({
  topic,
  key: Buffer.from(`key:${String(at).padStart(12, '0')}`),
  value,
  headers: new Map([
    ['kf-op', Buffer.from('set')],
    ['kf-type', Buffer.from('string')],
    ['kf-db', Buffer.from('0')],
    ['kf-ts', Buffer.from(String(Date.now()))],
    ['kf-origin', Buffer.from('0123456789abcdef')],
    ['kf-v', Buffer.from('1')],
  ]),
});
tellReady();
const stop = stopwatch();
for (let sent = 0; sent < count; sent += BATCH) {
  const batch = Array.from({ length: Math.min(BATCH, count - sent) }, (_, at) => record(sent + at));
  await producer.send(batch);
}
stop(count);
await producer.close();
