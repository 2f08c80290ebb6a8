import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyText } from '../../../src/cli/verify/key-text.ts';
import { keyName } from '../../../src/core/key-name.ts';

describe('a printed key', () => {
  it.each([
    [Buffer.from('user:42'), '"user:42"'],
    [Buffer.from('grüße 😀'), '"grüße 😀"'],
    [Buffer.from('a"b\\c'), '"a\\"b\\\\c"'],
    [Buffer.from([0x61, 0x00, 0xff]), '"a\\x00\\xff"'],
    [Buffer.from('line\nbreak'), '"line\\x0abreak"'],
    [Buffer.from('\u202ehidden'), '"\\xe2\\x80\\xaehidden"'],
    [Buffer.from(''), '""'],
  ])('%j is %s', (bytes, text) => {
    expect(keyText(keyName(bytes))).toBe(text);
  });

  it('stays on its line, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(keyText(keyName(Buffer.from(bytes)))).toMatch(/^"[^\p{Cc}\u2028\u2029]*"$/u);
      }),
    );
  });

  it('is another text for another key', () => {
    const bytes = fc.uint8Array({ maxLength: 4 }).map((array) => Buffer.from(array));
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(keyText(keyName(a)) === keyText(keyName(b))).toBe(a.equals(b));
      }),
    );
  });
});
