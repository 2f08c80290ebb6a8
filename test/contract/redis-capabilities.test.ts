import { expect, test } from 'vitest';
import { type RedisCapabilities, readCapabilities } from '../../src/clients/redis/capabilities.ts';
import { isRefusedWith } from '../../src/clients/redis/script-runner.ts';
import type { RedisClient, RedisCommand, RedisConnection } from '../../src/clients/redis/port.ts';
import type { RedisServer } from '../support/stack.ts';
import { as, redisFixture } from './redis-fixture.ts';

let server: RedisServer;
let client: RedisClient;
const { connect } = redisFixture((started) => {
  ({ server, client } = started);
});

const ATTEMPTS: readonly (readonly [keyof RedisCapabilities, RedisCommand])[] = [
  ['readOnlyScripts', ['EVAL_RO', 'return 1', 0]],
  ['expireTime', ['PEXPIRETIME', 'key']],
  ['fieldExpiry', ['HPEXPIRETIME', 'key', 'FIELDS', 1, 'field']],
  ['noTouch', ['CLIENT', 'NO-TOUCH', 'ON']],
  ['tracking', ['CLIENT', 'TRACKING', 'OFF']],
];

/** What the server does when it is asked to. */
const attempts = async (redis: RedisConnection): Promise<Partial<Record<keyof RedisCapabilities, boolean>>> => {
  const replies = await redis.pipeline(ATTEMPTS.map(([, command]) => command));
  const has = (at: number): boolean =>
    !['ERR unknown', 'ERR Unknown'].some((words) => isRefusedWith(replies[at], words));
  return Object.fromEntries(ATTEMPTS.map(([capability], at) => [capability, has(at)]));
};

test('what a server says that it can do, it can, and no more', async () => {
  const redis = await connect(client);
  const found = await readCapabilities(redis);
  expect(found).toMatchObject(await attempts(redis));
  expect(String(await redis.call('INFO', 'server'))).toContain(found.version);
});

test('a user who may ask for nothing but the version is told by that', async () => {
  const redis = await connect(client);
  await redis.call('ACL', 'SETUSER', 'reader', 'on', '>right', '+ping', '+info');
  const found = await readCapabilities(await connect(as(server, 'reader', 'right')));
  const { fieldExpiry, ...others } = await readCapabilities(redis);
  expect(found).toMatchObject(found.server === 'redis' ? { ...others, fieldExpiry } : others);
});
