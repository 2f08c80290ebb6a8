import { unpackedValue } from '../codecs/packed-strings.ts';
import type { KeyState, KeyValue } from '../core/key-state.ts';

/** A member of a sorted set. */
export interface ScoredMember {
  readonly member: string;
  readonly score: number;
}

/** An entry of a stream. A field may repeat. */
export interface StreamStateEntry {
  readonly id: string;
  readonly fields: readonly (readonly [field: string, value: string])[];
}

/**
 * What a key holds, as text. Bytes that are not UTF-8 come as U+FFFD: `raw` beside it has them as they are.
 *
 * `dump` is Redis' own DUMP payload, which only Redis can read: of a module's type, or where the source says `format: dump`.
 * `omitted` is a value above the source's `maxValueBytes`, which stays in Redis: `Consumer.current` reads it there.
 */
export type State =
  | { readonly type: 'string'; readonly value: string }
  | {
      readonly type: 'hash';
      readonly value: Readonly<Record<string, string>>;
      /** Unix ms, of the fields that expire. */
      readonly fieldExpireAt?: Readonly<Record<string, number>>;
    }
  | { readonly type: 'list'; readonly value: readonly string[] }
  | { readonly type: 'set'; readonly value: readonly string[] }
  | { readonly type: 'zset'; readonly value: readonly ScoredMember[] }
  | {
      readonly type: 'stream';
      readonly value: {
        readonly lastId: string;
        readonly entries: readonly StreamStateEntry[];
        readonly groups: readonly { readonly name: string; readonly lastId: string }[];
      };
    }
  /** A RedisJSON document. */
  | { readonly type: 'json'; readonly value: unknown }
  | { readonly type: 'dump'; readonly redisType: string; readonly payload: Buffer }
  | { readonly type: 'omitted'; readonly redisType: string; readonly bytes: number };

/** A key's content with every byte as it is. */
export type RawState = Exclude<KeyValue, { readonly type: 'packed' }>;

/** What a key holds at one moment. */
export interface Snapshot {
  readonly state: State;
  /** The same with every byte as it is. */
  readonly raw: RawState;
  /** Unix ms; undefined where the key does not expire. It may have passed already. */
  readonly expireAt: number | undefined;
}

export const snapshotOf = ({ value, expireAt }: KeyState): Snapshot => {
  const raw = value.type === 'packed' ? unpackedValue(value) : value;
  return { state: stateOf(raw), raw, expireAt };
};

const stateOf = (raw: RawState): State => {
  switch (raw.type) {
    case 'string':
      return { type: 'string', value: text(raw.value) };
    case 'hash':
      return hashOf(raw);
    case 'list':
      return { type: 'list', value: raw.items.map(text) };
    case 'set':
      return { type: 'set', value: raw.members.map(text) };
    case 'zset':
      return {
        type: 'zset',
        value: pairsOf(raw.entries).map(([member, score]) => ({ member, score: scoreOf(score) })),
      };
    case 'stream': {
      const { lastId, entries, groups } = raw.stream;
      return {
        type: 'stream',
        value: {
          lastId,
          entries: entries.map(({ id, fields }) => ({ id, fields: pairsOf(fields) })),
          groups: groups.map((group) => ({ name: text(group.name), lastId: group.lastId })),
        },
      };
    }
    case 'json':
      return { type: 'json', value: JSON.parse(text(raw.document)) };
    case 'dump':
    case 'omitted':
      return raw;
  }
};

const hashOf = ({ entries, fieldExpireAt = [] }: Extract<RawState, { readonly type: 'hash' }>): State => {
  const pairs = pairsOf(entries);
  const value = Object.fromEntries(pairs);
  const expiries = pairs.flatMap(([field], at) => {
    const expireAt = fieldExpireAt[at];
    return expireAt === undefined ? [] : [[field, expireAt] as const];
  });
  if (expiries.length === 0) return { type: 'hash', value };
  return { type: 'hash', value, fieldExpireAt: Object.fromEntries(expiries) };
};

const text = (bytes: Buffer): string => bytes.toString('utf8');

/** Of what alternates, such as field and value. */
export const pairsOf = (flat: readonly Buffer[]): readonly (readonly [string, string])[] =>
  flat.flatMap((first, at) => {
    const second = flat[at + 1];
    return at % 2 === 1 || second === undefined ? [] : [[text(first), text(second)] as const];
  });

const scoreOf = (score: string): number => {
  if (score === 'inf') return Infinity;
  return score === '-inf' ? -Infinity : Number(score);
};
