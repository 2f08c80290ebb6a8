import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyBytes, keyName } from '../../src/core/key-name.ts';
import { globToRegExp } from '../../src/redis-to-kafka/publish/key-filter.ts';
import { topicRoute } from '../../src/redis-to-kafka/publish/routing.ts';

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const template = fc
  .array(fc.constantFrom('redis', '.', '-', '{db}', '{type}', '{source}', '{1}', '{2}', '{7}'), {
    minLength: 1,
    maxLength: 6,
  })
  .map((parts) => parts.join(''));

describe('key names', () => {
  it('hold any bytes, and different bytes have different names', () => {
    fc.assert(
      fc.property(bytes, bytes, (one, two) => {
        expect(keyBytes(keyName(one))).toEqual(one);
        expect(keyName(one) === keyName(two)).toBe(one.equals(two));
      }),
    );
  });
});

describe('topic routes', () => {
  it('give any key a name that Kafka allows, the same each time, and recognise it', () => {
    fc.assert(
      fc.property(template, bytes, fc.constantFrom('string', 'ReJSON-RL', 'MBbloom--'), (text, key, type) => {
        const route = topicRoute(text, 'a source', 3);
        const topic = route.topicOf(keyName(key), type);
        expect(topic).toMatch(/^[a-zA-Z0-9._-]+$/);
        expect(route.topicOf(keyName(key), type)).toBe(topic);
        expect(route.pattern.test(topic)).toBe(true);
        if (route.only !== undefined) expect(topic).toBe(route.only);
      }),
    );
  });
});

describe('globs', () => {
  const escaped = (key: string): string => key.replace(/[*?[\]\\]/g, '\\$&');

  it('that spell a key out match it, and no other key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, two) => {
        const glob = globToRegExp(escaped(one));
        const name = (text: string) => keyName(Buffer.from(text, 'utf8'));
        expect(glob.test(name(one))).toBe(true);
        expect(glob.test(name(two))).toBe(name(one) === name(two));
      }),
    );
  });
});
