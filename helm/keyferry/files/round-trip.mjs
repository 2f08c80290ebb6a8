/**
 * `helm test`: writes a key through Keyferry, waits until Kafka has it, deletes it, and waits again. Runs in Keyferry's own image.
 * Environment: KEYFERRY_URL, KEYFERRY_TOKEN_FILE (where there is a token), KEYFERRY_TEST_KEY, KEYFERRY_TEST_TIMEOUT_MS;
 * KEYFERRY_CLIENT: the module keyferry/client, elsewhere than in the image.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const { env } = process;
const { createProducer, ProducerError } = await import(env.KEYFERRY_CLIENT ?? '/app/dist/client/client.js');

const url = env.KEYFERRY_URL;
const deadline = Date.now() + Number(env.KEYFERRY_TEST_TIMEOUT_MS);
const say = (line) => process.stdout.write(`${line}\n`);

const readiness = async () => {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) });
    const { ready, reasons } = await response.json();
    return ready ? [] : reasons;
  } catch (error) {
    return [`${url} cannot be reached: ${error.cause?.message ?? error.message}`];
  }
};

const waitUntilReady = async () => {
  for (;;) {
    const reasons = await readiness();
    if (reasons.length === 0) return;
    if (Date.now() > deadline) throw new Error(`not ready:\n${reasons.join('\n')}`);
    await sleep(1_000);
  }
};

/** Why there is nothing to write through: no source carries the key, or REST is off. Whatever else is refused is a fault. */
const whyNotServed = (error) => {
  if (!(error instanceof ProducerError)) return undefined;
  if (error.code === 'REFUSED' && error.message.includes('no source carries')) return error.message;
  // From a Keyferry that has told that it is ready.
  return error.message.startsWith('the server answered 404') ? 'REST is off' : undefined;
};

const placesOf = ({ records }) =>
  records.map(({ place }) =>
    place === undefined ? 'acknowledged' : `${place.topic}/${place.partition}@${place.offset}`,
  );

const roundTrip = async () => {
  const token = env.KEYFERRY_TOKEN_FILE && readFileSync(env.KEYFERRY_TOKEN_FILE, 'utf8').replace(/\r?\n$/, '');
  const timeoutMs = Math.max(1_000, deadline - Date.now());
  const producer = createProducer({ url, token, ack: 'kafka', timeoutMs });
  const key = env.KEYFERRY_TEST_KEY.replace('{id}', randomUUID());
  const value = randomUUID();
  const written = await producer.set(key, value);
  say(`wrote ${key}; Kafka has it at ${placesOf(written).join(', ')}`);
  const found = await producer.get(key);
  if (found !== value) throw new Error(`${key} holds ${found}, and ${value} was written`);
  say(`deleted it; Kafka has that at ${placesOf(await producer.del(key)).join(', ')}`);
};

try {
  await waitUntilReady();
  say('Keyferry is ready: Redis and Kafka answer, and every source and sink runs');
  await roundTrip();
} catch (error) {
  const reason = whyNotServed(error);
  if (reason !== undefined) say(`no round trip: ${reason}`);
  else {
    say(`failed: ${error.message}`);
    process.exitCode = 1;
  }
}
