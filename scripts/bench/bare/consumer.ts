/** Reads a topic in a group of its own and does nothing with it: the limit of every sink. Measured from the first batch. */
import { connectKafka } from '../../../src/clients/kafka/connect.ts';
import type { KafkaTask } from '../bare.ts';
import { stopwatch, task, tellReady } from './stopwatch.ts';

const { client, brokers, topic, count } = task as KafkaTask;
const driver = connectKafka({ client, brokers, clientId: 'keyferry-bench' });
const consumer = driver.groupConsumer({ groupId: `${topic}-bare-${process.pid}`, topics: [topic] });
let stop: ReturnType<typeof stopwatch> | undefined;
let received = 0;
const done = Promise.withResolvers<undefined>();
tellReady();
const running = consumer.run(({ records }) => {
  stop ??= stopwatch();
  received += records.length;
  if (received >= count) done.resolve(undefined);
  return Promise.resolve();
});
await Promise.race([done.promise, running]);
stop?.(received);
await consumer.close();
await running;
