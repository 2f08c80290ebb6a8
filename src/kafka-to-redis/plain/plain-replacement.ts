import type { RedisArgument } from '../../clients/redis/port.ts';
import { KeyferryError } from '../../core/errors.ts';
import { flatten } from './flatten.ts';
import type { Json } from './json-text.ts';
import type { ReplacedType } from './plain-options.ts';
import type { PlainRecord } from './plain-record.ts';

type Values = readonly (Buffer | string)[];

/** Time to live, for the replace script: from the moment of the write, by Redis' own clock. */
const fromNow = (expireMs: number): string => (expireMs === 0 ? '' : `+${expireMs}`);

/**
 * A record's value as the replace script takes it; undefined where the key goes: of null, and of what leaves nothing to
 * hold, such as an empty array.
 * @throws KF_RECORD_UNREADABLE where the value is none that this type can hold
 */
export const plainReplacement = (
  record: PlainRecord,
  { as, expireMs = 0 }: { readonly as: ReplacedType; readonly expireMs?: number | undefined },
): readonly RedisArgument[] | undefined => {
  if (record.record.value === null) return undefined;
  const values = VALUES[as](record);
  return values.length === 0 ? undefined : [as, fromNow(expireMs), values.length, ...values];
};

const hash = ({ json }: PlainRecord): Values => {
  if (json.type !== 'object') throw unreadable(`a hash is made of a JSON object, and this is ${nameOf(json)}`);
  return flatten(json);
};

const set = ({ json }: PlainRecord): Values => {
  if (json.type !== 'array') throw unreadable(`a set is made of a JSON array, and this is ${nameOf(json)}`);
  return json.items.map((item) => scalarOf(item, 'a member of a set'));
};

/** Scores before members, as ZADD wants them. */
const zset = ({ json }: PlainRecord): Values => {
  if (json.type === 'object') {
    return [...json.members].flatMap(([member, score]) => [scoreOf(score), Buffer.from(member)]);
  }
  if (json.type !== 'array') throw unreadable(`a zset is made of a JSON object or array, and this is ${nameOf(json)}`);
  const seen = new Set<string>();
  return json.items.flatMap((pair) => {
    const [member, score, ...more] = pair.type === 'array' ? pair.items : [];
    if (member === undefined || score === undefined || more.length > 0) {
      throw unreadable('an entry of a zset is not a pair of member and score');
    }
    const bytes = scalarOf(member, 'a member of a zset');
    if (seen.has(member.text)) throw unreadable('a member stands twice in a zset');
    seen.add(member.text);
    return [scoreOf(score), bytes];
  });
};

const VALUES: Readonly<Record<ReplacedType, (record: PlainRecord) => Values>> = {
  string: ({ text }) => [text],
  hash,
  set,
  zset,
  json: ({ json }) => [Buffer.from(json.type === 'string' ? JSON.stringify(json.text) : json.text)],
};

const scalarOf = (json: Json, what: string): Buffer => {
  if (json.type === 'array' || json.type === 'object' || json.type === 'null') {
    throw unreadable(`${what} is ${nameOf(json)}`);
  }
  return Buffer.from(json.text);
};

const INFINITE = /^[+-]?inf$/;

/** As a double's shortest text: Redis refuses what is closer to zero than any double, and the old value would be gone. */
const scoreOf = ({ type, text }: Json): string => {
  if (type === 'string' && INFINITE.test(text)) return text;
  const score = type === 'number' ? Number(text) : NaN;
  if (!Number.isFinite(score)) throw unreadable('a score is no number that Redis holds, and neither "inf" nor "-inf"');
  return String(score);
};

const nameOf = ({ type }: Json): string => {
  if (type === 'null') return type;
  return type === 'array' || type === 'object' ? `an ${type}` : `a ${type}`;
};

const unreadable = (what: string): KeyferryError => new KeyferryError('KF_RECORD_UNREADABLE', what);
