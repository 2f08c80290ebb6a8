import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprintOf } from '../../src/codecs/fingerprint.ts';
import { decodeState, encodeState } from '../../src/codecs/key-record.ts';
import type { KeyState, KeyValue, StreamState } from '../../src/core/key-state.ts';
import { inFieldOrder } from '../support/states.ts';

// A failure prints its seed and path: give both to fc.assert ({ seed, path }) to see it again.

const binary = fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes));
const textual = fc.string({ unit: 'binary', maxLength: 8 }).map((text) => Buffer.from(text));
const awkward = fc.constantFrom('', '9', '10', '__proto__', '\ufeff', '\u2028', '"\\').map((text) => Buffer.from(text));
const bytes = fc.oneof({ weight: 5, arbitrary: textual }, { weight: 2, arbitrary: awkward }, binary);

const distinct = fc.uniqueArray(bytes, { selector: (each) => each.toString('latin1'), maxLength: 10 });
const moment = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const streamId = fc.tuple(fc.maxSafeNat(), fc.maxSafeNat()).map(([ms, sequence]) => `${ms}-${sequence}`);

/** As Redis prints it: 17 significant digits. */
const scoreText = (score: number): string => {
  if (!Number.isFinite(score)) return score > 0 ? 'inf' : '-inf';
  return Object.is(score, -0) ? '-0' : score.toPrecision(17);
};
const score = fc.double({ noNaN: true });

const pairs = <T>(names: readonly Buffer[], other: readonly T[]): readonly (Buffer | T)[] =>
  names.flatMap((name, at) => [name, other[at] as T]);

const hash = fc
  .tuple(
    distinct,
    fc.array(bytes, { minLength: 10, maxLength: 10 }),
    fc.array(fc.option(moment, { nil: undefined }), { minLength: 10, maxLength: 10 }),
  )
  .map(([fields, values, expiries]): KeyValue => {
    const fieldExpireAt = fields.map((_, at) => expiries[at]);
    const entries = pairs(fields, values);
    return fieldExpireAt.some((at) => at !== undefined)
      ? { type: 'hash', entries, fieldExpireAt }
      : { type: 'hash', entries };
  });

const zset = fc
  .tuple(distinct, fc.array(score, { minLength: 10, maxLength: 10 }))
  .map(([members, scores]): KeyValue => ({
    type: 'zset',
    entries: pairs(
      members,
      scores.map((each) => Buffer.from(scoreText(each))),
    ),
  }));

const stream = fc
  .record({
    lastId: streamId,
    entries: fc.array(
      fc.record({
        id: streamId,
        fields: fc.array(fc.tuple(bytes, bytes), { minLength: 1, maxLength: 4 }).map((each) => each.flat()),
      }),
      { maxLength: 5 },
    ),
    groups: distinct.chain((names) =>
      fc.tuple(...names.map((name) => fc.record({ name: fc.constant(name), lastId: streamId }))),
    ),
  })
  .map((state: StreamState): KeyValue => ({ type: 'stream', stream: state }));

const value: fc.Arbitrary<KeyValue> = fc.oneof(
  bytes.map((each): KeyValue => ({ type: 'string', value: each })),
  hash,
  fc.array(bytes, { maxLength: 10 }).map((items): KeyValue => ({ type: 'list', items })),
  distinct.map((members): KeyValue => ({ type: 'set', members })),
  zset,
  stream,
  fc.json({ noUnicodeString: false }).map((document): KeyValue => ({ type: 'json', document: Buffer.from(document) })),
  binary.map((payload): KeyValue => ({ type: 'dump', redisType: 'MBbloom--', payload })),
  fc.maxSafeNat().map((size): KeyValue => ({ type: 'omitted', redisType: 'list', bytes: size })),
);
const keyState: fc.Arbitrary<KeyState> = fc.record({ value, expireAt: fc.option(moment, { nil: undefined }) });

const HEADERS = { redisType: 'string', expireAt: undefined };
const encode = (state: KeyState): Buffer => encodeState(state, 'json');

/** Something to compare states by that knows nothing of the encoder: sorted, scores as numbers. */
const canonical = (state: KeyState): unknown => {
  const { value: known } = state;
  if (known.type === 'set') return { ...state, value: [...known.members].sort(Buffer.compare.bind(Buffer)) };
  if (known.type === 'stream') {
    const groups = [...known.stream.groups].sort((a, b) => Buffer.compare(a.name, b.name));
    return { ...state, value: { ...known.stream, groups } };
  }
  if (known.type !== 'zset') return inFieldOrder(state);
  const scores = new Map<string, number>();
  known.entries.forEach((member, at) => {
    const text = known.entries[at + 1]?.toString().replace('inf', 'Infinity');
    if (at % 2 === 0) scores.set(member.toString('latin1'), Number(text));
  });
  return { ...state, value: scores };
};

/** The same state as Redis might have listed it another time. */
const shuffled = (state: KeyState): fc.Arbitrary<KeyState> => {
  const { value: known } = state;
  const permuted = (size: number): fc.Arbitrary<number[]> =>
    fc.shuffledSubarray([...Array(size).keys()], { minLength: size, maxLength: size });
  const pick = <T>(from: readonly T[], order: readonly number[]): T[] => order.map((at) => from[at] as T);
  const pickPairs = (from: readonly Buffer[], order: readonly number[]): Buffer[] =>
    order.flatMap((at) => from.slice(2 * at, 2 * at + 2));
  switch (known.type) {
    case 'hash':
      return permuted(known.entries.length / 2).map((order) => {
        const entries = pickPairs(known.entries, order);
        const expiries = known.fieldExpireAt && { fieldExpireAt: pick(known.fieldExpireAt, order) };
        return { ...state, value: { type: 'hash', entries, ...expiries } };
      });
    case 'set':
      return permuted(known.members.length).map((order) => ({
        ...state,
        value: { type: 'set', members: pick(known.members, order) },
      }));
    case 'zset':
      return permuted(known.entries.length / 2).map((order) => ({
        ...state,
        value: { type: 'zset', entries: pickPairs(known.entries, order) },
      }));
    default:
      return fc.constant(state);
  }
};

describe('states as JSON', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(keyState, (state) => {
        expect(canonical(decodeState(encode(state), HEADERS))).toEqual(canonical(state));
      }),
      { numRuns: 1000 },
    );
  });

  it('are JSON that any parser reads, of the type and expiry that they have', () => {
    fc.assert(
      fc.property(keyState, (state) => {
        const parsed = JSON.parse(encode(state).toString()) as Record<string, unknown>;
        expect(parsed['expireAt']).toBe(state.expireAt);
        expect(Object.keys(parsed)[0]).toBe('type');
      }),
    );
  });

  it('have the same bytes and fingerprint in whatever order Redis lists fields and members', () => {
    const twice = keyState.chain((state) => fc.tuple(fc.constant(state), shuffled(state)));
    fc.assert(
      fc.property(twice, ([state, again]) => {
        const bytesOf = encode(state);
        expect(encode(again).equals(bytesOf)).toBe(true);
        expect(fingerprintOf(encode(again), again.expireAt)).toBe(fingerprintOf(bytesOf, state.expireAt));
      }),
      { numRuns: 500 },
    );
  });

  it('have the same bytes after a round trip', () => {
    fc.assert(
      fc.property(keyState, (state) => {
        const once = encode(state);
        expect(encode(decodeState(once, HEADERS)).equals(once)).toBe(true);
      }),
    );
  });

  it('have the same bytes and fingerprint only where they are the same', () => {
    // Few byte strings, which look like pieces of JSON: many states are equal, and many nearly.
    const piece = fc.constantFrom('', 'a', 'YQ==', '","', '":"', '\xff').map((text) => Buffer.from(text, 'latin1'));
    const pieces = fc.uniqueArray(piece, { selector: String, maxLength: 3 });
    const small: fc.Arbitrary<KeyValue> = fc.oneof(
      piece.map((each): KeyValue => ({ type: 'string', value: each })),
      pieces.map((items): KeyValue => ({ type: 'list', items })),
      pieces.map((members): KeyValue => ({ type: 'set', members })),
      fc.tuple(pieces, piece).map(([fields, each]): KeyValue => {
        const values = fields.map(() => each);
        return { type: 'hash', entries: pairs(fields, values) };
      }),
      pieces.map((members): KeyValue => {
        const zeros = members.map((_, at) => Buffer.from(at % 2 === 0 ? '0' : '-0'));
        return { type: 'zset', entries: pairs(members, zeros) };
      }),
    );
    fc.assert(
      fc.property(small, small, (a, b) => {
        const [one, other] = [a, b].map((each) => ({ value: each, expireAt: undefined }));
        if (one === undefined || other === undefined) return;
        const areSame = a.type === b.type && isDeepStrictEqual(canonical(one), canonical(other));
        expect(encode(one).equals(encode(other))).toBe(areSame);
        expect(fingerprintOf(encode(one), undefined) === fingerprintOf(encode(other), undefined)).toBe(areSame);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('states as DUMP', () => {
  it('come back as they were, with the headers', () => {
    const payload = fc.uint8Array({ minLength: 11, maxLength: 40 }).filter((each) => each[0] !== 0x7b);
    fc.assert(
      fc.property(payload, fc.option(moment, { nil: undefined }), (each, expireAt) => {
        const state: KeyState = { value: { type: 'dump', redisType: 'zset', payload: Buffer.from(each) }, expireAt };
        expect(decodeState(encodeState(state, 'dump'), { redisType: 'zset', expireAt })).toEqual(state);
      }),
    );
  });
});
