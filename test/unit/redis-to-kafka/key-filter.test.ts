import { describe, expect, it } from 'vitest';
import { keyName } from '../../../src/core/key-name.ts';
import { globToRegExp, keyFilter } from '../../../src/redis-to-kafka/publish/key-filter.ts';

const name = (text: string) => keyName(Buffer.from(text));

describe('Redis globs', () => {
  it.each([
    ['*', 'anything\nat all', true],
    ['user:*', 'user:1', true],
    ['user:*', 'users:1', false],
    ['h?llo', 'hello', true],
    ['h?llo', 'hllo', false],
    ['h[ae]llo', 'hallo', true],
    ['h[ae]llo', 'hillo', false],
    ['h[^e]llo', 'hallo', true],
    ['h[^e]llo', 'hello', false],
    ['h[a-c]llo', 'hbllo', true],
    ['h[c-a]llo', 'hbllo', true],
    ['h[a-c]llo', 'hdllo', false],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'axb', false],
    ['[\\]]', ']', true],
    ['a.b', 'axb', false],
    ['(a|b)+$', '(a|b)+$', true],
    ['**a', 'xa', true],
    ['ключ:*', 'ключ:1', true],
  ])('%s on %s: %s', (glob, key, expected) => {
    expect(globToRegExp(glob).test(name(key))).toBe(expected);
  });
});

describe('key filter', () => {
  it('takes everything by default but the keys of Keyferry itself', () => {
    const accepts = keyFilter(['*'], []);
    expect(accepts(name('a'))).toBe(true);
    expect(accepts(name(''))).toBe(true);
    expect(accepts(name('__keyferry__:canary:x'))).toBe(false);
  });

  it('takes what is included and not excluded', () => {
    const accepts = keyFilter(['user:*', 'cart:*'], ['*:tmp']);
    expect(accepts(name('user:1'))).toBe(true);
    expect(accepts(name('user:tmp'))).toBe(false);
    expect(accepts(name('order:1'))).toBe(false);
  });

  it('works on bytes that are no text', () => {
    expect(keyFilter(['user:?'], [])(keyName(Buffer.from([...Buffer.from('user:'), 0xff])))).toBe(true);
  });
});
