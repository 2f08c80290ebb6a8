import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { interpolate } from '../../../src/config/interpolate.ts';

describe('references to the environment', () => {
  const environment = { HOST: 'db', EMPTY: '', TRICKY: '${HOST}$&' };

  it.each([
    ['a text without any', 'redis://x', 'redis://x'],
    ['a set variable', 'a-${HOST}-b', 'a-db-b'],
    ['several variables', '${HOST}:${HOST}', 'db:db'],
    ['a default where the variable is unset', '${NOPE:-redis://127.0.0.1:6379}', 'redis://127.0.0.1:6379'],
    ['a default where the variable is empty', '${EMPTY:-x}', 'x'],
    ['an empty default', '[${NOPE:-}]', '[]'],
    ['no default where the variable is set', '${HOST:-x}', 'db'],
    ['an empty variable without default', '[${EMPTY}]', '[]'],
    ['what a variable holds, unread', '${TRICKY}', '${HOST}$&'],
    ['two dollars as the characters themselves', '$${HOST}', '${HOST}'],
    ['a dollar that begins nothing', 'a$b$', 'a$b$'],
  ])('fill %s', (_, template, filled) => {
    expect(interpolate(template, environment)).toBe(filled);
  });

  it('name the variable that is unset and has no default', () => {
    expect(() => interpolate('${NOPE}', environment)).toThrow(/needs the environment variable NOPE: set it/);
  });

  it.each(['${', '${HOST', '${1X}', '${HO ST}', '${HOST-x}'])('are refused where unreadable: %s', (template) => {
    expect(() => interpolate(template, environment)).toThrow(/write "\$\$\{"/);
  });

  it('leave any text alone that holds none', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!text.includes('${'));
        expect(interpolate(text, {})).toBe(text);
      }),
    );
  });

  it('give any text back once its references are escaped', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', 'A', ':', '-') }), (text) => {
        fc.pre(!text.includes('$${'));
        expect(interpolate(text.replaceAll('${', '$$${'), {})).toBe(text);
      }),
    );
  });
});
