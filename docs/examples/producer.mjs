// Writes to Redis through a running Keyferry, and learns where Kafka has the change.
//
//   node docs/examples/producer.mjs Ada ada@example.com
import { UnconfirmedError, createProducer } from 'keyferry/client';

const [name = 'Ada', email = 'ada@example.com'] = process.argv.slice(2);

// Keyferry's own HTTP server. `ack: 'kafka'` makes each write wait until Kafka holds it, five seconds at most.
const producer = createProducer({
  url: process.env.KEYFERRY_URL ?? 'http://127.0.0.1:8080',
  token: process.env.KEYFERRY_HTTP_TOKEN,
  ack: 'kafka',
  timeoutMs: 5_000,
});

try {
  // An ordinary HSET: whoever reads Redis sees it at once. When the call returns, Kafka's consumers get it too.
  const { records } = await producer.hset(`user:${name}`, { name, email, visits: 0 });
  for (const { keyText, place } of records) {
    console.log(`${keyText} stands in Kafka at ${place?.topic}/${place?.partition}@${place?.offset}`);
  }

  // Several commands in one round trip. Any command goes; `set`, `hset`, `del` ... are only shorter to write.
  const { result } = await producer.pipeline([
    ['HINCRBY', `user:${name}`, 'visits', 1],
    ['EXPIRE', `user:${name}`, 3600],
  ]);
  console.log(`visits: ${result[0]}`);

  // Reads go straight to Redis.
  console.log('Redis has', await producer.hgetall(`user:${name}`));
} catch (error) {
  // Redis has the change, and Kafka gets it as soon as it is back: nothing has to be written again.
  if (error instanceof UnconfirmedError) console.error('written, but Kafka has not confirmed it yet');
  // Anything else says whether the write was done: `yes`, `no`, or `unknown`.
  else console.error(`failed (${error.code}; applied: ${error.applied}): ${error.message}`);
  process.exitCode = 1;
}
