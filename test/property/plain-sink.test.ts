import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flatten } from '../../src/kafka-to-redis/plain/flatten.ts';
import { compactText, parseJson } from '../../src/kafka-to-redis/plain/json-text.ts';
import { parseKeyTemplate } from '../../src/kafka-to-redis/plain/key-template.ts';
import { plainRecord } from '../unit/kafka-to-redis/plain/record-fixture.ts';

const awkward = fc.constantFrom('', '.', '\\', '\\.', 'a.b', 'a\\', '__proto__', '0', '{', '}', ':');
const name = fc.oneof(awkward, fc.string({ unit: 'binary', maxLength: 4 }));
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 6 }).map((each) => Buffer.from(each)),
  awkward.map((text) => Buffer.from(text)),
);
const parse = (text: string) => parseJson(Buffer.from(text));

describe('the JSON reader', () => {
  const indented = fc.tuple(fc.jsonValue({ noUnicodeString: false }), fc.nat({ max: 4 }));

  it('takes what JSON.parse takes, and its compact text is the same value in the fewest bytes', () => {
    fc.assert(
      fc.property(indented, ([value, spaces]) => {
        const text = JSON.stringify(value, undefined, spaces);
        const json = parse(text);
        const compact = json.type === 'string' ? JSON.stringify(json.text) : compactText(json);
        expect(compact).toBe(JSON.stringify(value));
      }),
      { numRuns: 1000 },
    );
  });

  it('refuses what JSON.parse refuses', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '"a"',
      '1',
      '-',
      '.',
      'e',
      'null',
      ' ',
      '\\',
      '\n',
    );
    const isJson = (text: string): boolean => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    };
    const isRead = (text: string): boolean => {
      try {
        parse(text);
        return true;
      } catch (error) {
        // The one thing in which the two differ on purpose.
        if (String(error).includes('a name twice')) return true;
        expect(error).toMatchObject({ code: 'KF_RECORD_UNREADABLE' });
        return false;
      }
    };
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (chosen) => {
        const text = chosen.join('');
        expect([text, isRead(text)]).toEqual([text, isJson(text)]);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('flattening', () => {
  /** An object of objects of strings, as entries, because JavaScript's own objects have an opinion on some names. */
  type Tree = readonly (readonly [string, string | Tree])[];
  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.uniqueArray(
      fc.tuple(
        name,
        fc.oneof(
          { maxDepth: 3 },
          fc.string({ maxLength: 3 }),
          tie('tree').filter((each) => each.length > 0),
        ),
      ),
      { selector: ([each]) => each, minLength: 1, maxLength: 4 },
    ),
  }));
  const textOf = (each: string | Tree): string =>
    typeof each === 'string'
      ? JSON.stringify(each)
      : `{${each.map(([key, value]) => `${JSON.stringify(key)}:${textOf(value)}`).join()}}`;
  const pathsOf = (each: Tree, above: readonly string[] = []): (readonly [readonly string[], string])[] =>
    each.flatMap(([key, value]) =>
      typeof value === 'string' ? [[[...above, key], value] as const] : pathsOf(value, [...above, key]),
    );
  /** The rule read backwards: a dot without a backslash separates names. */
  const unflattened = (field: string): readonly string[] => {
    const names = [''];
    for (let at = 0; at < field.length; at += 1) {
      if (field[at] === '.') names.push('');
      else {
        if (field[at] === '\\') at += 1;
        names.push((names.pop() ?? '') + (field[at] ?? ''));
      }
    }
    return names;
  };

  it('is undone by splitting fields at their dots: no two paths share a field', () => {
    fc.assert(
      fc.property(tree, (each) => {
        const json = parse(textOf(each));
        if (json.type !== 'object') throw new Error('an object was written');
        const fields = flatten(json).map(String);
        const found = fields.flatMap((field, at) =>
          at % 2 === 0 ? [[unflattened(field), fields[at + 1] ?? ''] as const] : [],
        );
        expect(found).toEqual(pathsOf(each));
        expect(new Set(fields.filter((_, at) => at % 2 === 0)).size).toBe(found.length);
      }),
      { numRuns: 1000 },
    );
  });

  it('names a path as a key template does', () => {
    fc.assert(
      fc.property(
        fc.array(
          name.filter((each) => each !== '' && !/[{}]/.test(each)),
          { minLength: 1, maxLength: 3 },
        ),
        (path) => {
          const text = path.reduceRight((inner, each) => `{${JSON.stringify(each)}:${inner}}`, '"found"');
          const json = parse(text);
          const [field] = json.type === 'object' ? flatten(json).map(String) : [];
          const { keyOf } = parseKeyTemplate(`{value.${String(field)}}`);
          expect(String(keyOf(plainRecord({ value: text })))).toBe('found');
        },
      ),
    );
  });
});

describe('key templates', () => {
  const literal = fc.string({ unit: 'binary', maxLength: 4 });
  const escaped = (text: string): string => text.replace(/[{}]/g, '$&$&');

  it('keep the bytes of a key, with the literal text around it', () => {
    fc.assert(
      fc.property(literal, bytes, literal, (before, key, after) => {
        const made = parseKeyTemplate(`${escaped(before)}{key}${escaped(after)}`).keyOf(plainRecord({ key }));
        expect(made.equals(Buffer.concat([Buffer.from(before), key, Buffer.from(after)]))).toBe(true);
      }),
    );
  });

  const source = fc.record({
    key: bytes,
    topic: fc.constantFrom('a', 'b', 'a.1', 'a-1', 'a_1'),
    partition: fc.nat({ max: 12 }),
    offset: fc.bigInt({ min: 0n, max: 120n }),
  });

  it.each(['{key}', 'x:{key}', '{topic}:{partition}:{offset}:{key}', '{partition}.{offset}.{key}', '{topic}/{key}'])(
    'give two records one key only where they agree in all that %s names',
    (text) => {
      const { keyOf } = parseKeyTemplate(text);
      const named = (each: { key: Buffer; topic: string; partition: number; offset: bigint }): string =>
        (['key', 'topic', 'partition', 'offset'] as const)
          .filter((what) => text.includes(`{${what}}`))
          .map((what) => (what === 'key' ? each.key.toString('hex') : String(each[what])))
          .join(' ');
      fc.assert(
        fc.property(source, source, (one, other) => {
          const areEqual = keyOf(plainRecord(one)).equals(keyOf(plainRecord(other)));
          expect(areEqual).toBe(named(one) === named(other));
        }),
        { numRuns: 3000 },
      );
    },
  );

  it('may give two records one key where free texts meet, which docs/sinks.md says', () => {
    const { keyOf } = parseKeyTemplate('{header.a}:{header.b}');
    const key = (a: string, b: string): string => String(keyOf(plainRecord({ headers: { a, b } })));
    expect(key('x:y', 'z')).toBe(key('x', 'y:z'));
  });
});
