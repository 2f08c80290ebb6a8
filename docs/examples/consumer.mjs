// Follows the users that Keyferry mirrors to Kafka, and keeps a list of their addresses up to date.
//
//   node docs/examples/consumer.mjs       (Ctrl-C ends it)
import { createConsumer } from 'keyferry/client';

// The members of a group share the work. Stopped and started again, it goes on where it was.
const consumer = createConsumer({
  brokers: (process.env.KAFKA_BROKERS ?? '127.0.0.1:9092').split(','),
  groupId: process.env.KAFKA_GROUP ?? 'address-book',
  topics: [process.env.KAFKA_TOPIC ?? 'redis.0'],
  redis: { url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' },
  onWaiting: (reason) => console.error(`waiting: ${reason}`),
});
process.once('SIGINT', () => consumer.close());

const addresses = new Map();

// One record after another; its offset is committed when this function is done with it. After a crash the last ones may
// come again, so it must not matter if they do: here the newest state of a user simply takes the place of the last one.
await consumer.each(async (record) => {
  if (record.kind !== 'key' || !record.keyText.startsWith('user:')) return;

  // A record is the whole state of its key, or says that the key is gone: deleted, expired, evicted or flushed.
  if (record.state === undefined) {
    addresses.delete(record.keyText);
    console.log(`${record.keyText} is gone (${record.op})`);
  } else if (record.state.type === 'hash') {
    addresses.set(record.keyText, record.state.value.email);
    const expires = record.expireAt === undefined ? '' : `, until ${new Date(record.expireAt).toISOString()}`;
    console.log(`${record.keyText} is at ${record.state.value.email}${expires}`);

    // Redis may be ahead of the topic already. Where that matters, ask it.
    const now = await consumer.current(record.key);
    if (now?.state.type === 'hash') console.log(`${record.keyText} has ${now.state.value.visits} visits by now`);
  }
});
console.log(`${addresses.size} addresses known`);
