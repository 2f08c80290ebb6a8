/**
 * CPU seconds of ioredis per million pattern messages, for docs/adr/0005: against a Redis on the given port, for the ioredis
 * that each given folder has installed.
 *     node scripts/compare-ioredis.mjs PORT FOLDER ...
 */
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const MESSAGES = 1_000_000;
const [port, ...folders] = process.argv.slice(2);

for (const folder of folders) {
  const require = createRequire(`${resolve(folder)}/`);
  const { Redis } = require('ioredis');
  const [subscriber, publisher] = [new Redis(Number(port)), new Redis(Number(port))];
  await subscriber.psubscribe('compare:*');
  let received = 0;
  const all = new Promise((done) => {
    subscriber.on('pmessageBuffer', () => (received += 1) === MESSAGES && done());
  });
  const before = process.cpuUsage();
  // By a script, so that publishing costs nothing here.
  const publish = "for i = 1, 10000 do redis.call('PUBLISH', 'compare:x', 'key:000000123456') end";
  for (let sent = 0; sent < MESSAGES; sent += 10_000) await publisher.eval(publish, 0);
  await all;
  const { user, system } = process.cpuUsage(before);
  console.log(`ioredis ${require('ioredis/package.json').version}: ${((user + system) / 1e6).toFixed(2)} CPU-s`);
  subscriber.disconnect();
  publisher.disconnect();
}
