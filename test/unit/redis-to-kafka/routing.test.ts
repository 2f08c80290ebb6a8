import { describe, expect, it } from 'vitest';
import { keyName } from '../../../src/core/key-name.ts';
import { topicRoute } from '../../../src/redis-to-kafka/publish/routing.ts';

const name = (text: string) => keyName(Buffer.from(text));

describe('topic route', () => {
  it('is fixed where the template names only the source and the database', () => {
    const route = topicRoute('redis.{source}.{db}', 'all keys', 3);
    expect(route.only).toBe('redis.all_keys.3');
    expect(route.topicOf(name('x'), 'string')).toBe('redis.all_keys.3');
  });

  it('fills in the type and the parts of the key', () => {
    const route = topicRoute('{db}.{type}.{1}.{3}', 's', 0);
    expect(route.only).toBeUndefined();
    expect(route.topicOf(name('user:42:cart'), 'hash')).toBe('0.hash.user.cart');
  });

  it('puts keys that lack a part under "none", and bytes that Kafka forbids in a name under "_"', () => {
    const route = topicRoute('t.{2}', 's', 0);
    expect(route.topicOf(name('user'), 'hash')).toBe('t.none');
    expect(route.topicOf(name('user:'), 'hash')).toBe('t.none');
    expect(route.topicOf(name('user:a b/ü'), 'hash')).toBe('t.a_b__');
  });

  it('recognises every topic that it can name, and no other of the same look', () => {
    const route = topicRoute('redis.{1}.{type}', 's', 0);
    expect(route.pattern.test(route.topicOf(name('a.b:c'), 'ReJSON-RL'))).toBe(true);
    expect(route.pattern.test('redisXa.string')).toBe(false);
    expect(topicRoute('redis.{db}', 's', 1).pattern.test('redis.10')).toBe(false);
  });
});
