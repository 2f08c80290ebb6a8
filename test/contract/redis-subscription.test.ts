import { afterEach, describe, expect, test } from 'vitest';
import type { RedisClient, RedisSubscription, SubscriptionHandler } from '../../src/clients/redis/port.ts';
import { eventually } from '../support/eventually.ts';
import type { RedisServer } from '../support/stack.ts';
import { BINARY, as, redisFixture } from './redis-fixture.ts';

let server: RedisServer;
let client: RedisClient;
const { connect } = redisFixture((started) => {
  ({ server, client } = started);
});

const subscriptions: RedisSubscription[] = [];
afterEach(() => {
  for (const subscription of subscriptions.splice(0)) subscription.close();
});

const subscribe = async (patterns: readonly string[], from = client) => {
  const seen: string[] = [];
  const handler: SubscriptionHandler = {
    onMessage: (channel, message) => seen.push(`${channel.toString('latin1')} ${message.toString('latin1')}`),
    onFlush: () => seen.push('flush'),
  };
  const subscription = await from.subscribe(patterns, handler);
  subscriptions.push(subscription);
  return { seen, subscription };
};

describe('the subscription', () => {
  test('tells channels and keys as they are, byte for byte', async () => {
    const redis = await connect();
    const { seen } = await subscribe(['__keyevent@0__:*']);
    await redis.call('SET', BINARY, 'x');
    await redis.call('PUBLISH', Buffer.concat([Buffer.from('__keyevent@0__:'), BINARY]), '');
    await eventually(() => seen.length === 2, { what: 'both messages' });
    const text = BINARY.toString('latin1');
    expect(seen).toEqual([`__keyevent@0__:set ${text}`, `__keyevent@0__:${text} `]);
  });

  test('tells of FLUSHDB and FLUSHALL of any database, in order with the messages', async () => {
    const redis = await connect();
    const { seen, subscription } = await subscribe(['__keyevent@0__:*', '__keyevent@1__:*']);
    expect(subscription.flushWatch).toBe(true);
    await redis.call('SET', 'a', 'x');
    await redis.call('FLUSHALL');
    await redis.call('SET', 'b', 'x');
    await (await connect(client, 5)).call('FLUSHDB', 'ASYNC');
    await redis.call('SET', 'c', 'x');
    await eventually(() => seen.at(-1)?.endsWith(' c'), { what: 'the last message' });
    expect(seen).toEqual(
      ['set a', 'flush', 'set b', 'flush', 'set c'].map((line) => line.replace('set', '__keyevent@0__:set')),
    );
  });

  test('says when the user may not watch for flushes', async () => {
    const redis = await connect();
    await redis.call(
      'ACL',
      'SETUSER',
      'reader',
      'on',
      '>right',
      'resetchannels',
      '&__keyevent@0__:*',
      '+ping',
      '+psubscribe',
      '+client|id',
    );
    const { seen, subscription } = await subscribe(['__keyevent@0__:*'], as(server, 'reader', 'right'));
    expect(subscription.flushWatch).toBe(false);
    await redis.call('SET', 'a', 'x');
    await eventually(() => seen.length === 1, { what: 'the message' });
  });

  test('is refused with what the user lacks', async () => {
    const redis = await connect();
    await redis.call('ACL', 'SETUSER', 'reader', 'on', '>right', 'resetchannels', '+ping', '+psubscribe');
    await expect(subscribe(['__keyevent@0__:*'], as(server, 'reader', 'right'))).rejects.toMatchObject({
      code: 'KF_REDIS_PERMISSION',
    });
  });

  test('is refused while the server is away', async () => {
    await server.kill();
    await expect(subscribe(['__keyevent@0__:*'])).rejects.toMatchObject({ code: 'KF_REDIS_UNAVAILABLE' });
  });

  test('tells that it is lost, by CLIENT KILL and by the death of the server', async () => {
    const redis = await connect();
    const first = await subscribe(['__keyevent@0__:*']);
    await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    expect(await first.subscription.lost).toContain('closed');
    const second = await subscribe(['__keyevent@0__:*']);
    await server.kill();
    await second.subscription.lost;
  });

  test('ends when it is closed', async () => {
    const { subscription } = await subscribe(['__keyevent@0__:*']);
    subscription.close();
    await subscription.lost;
  });
});
