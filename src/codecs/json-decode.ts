import type { KeyState, KeyValue, StreamEntry, StreamGroup, StreamState } from '../core/key-state.ts';
import {
  type Json,
  type Unquote,
  arrayOf,
  countOf,
  fromBase64,
  objectOf,
  parseText,
  stringOf,
  unquoteFor,
  unreadable,
  utf8Of,
} from './json-read.ts';

/**
 * The state in a JSON value. Members that this version does not know are passed over.
 * @throws KF_RECORD_UNREADABLE with what is wrong, and never with a value.
 */
export const decodeJsonState = (bytes: Buffer): KeyState => {
  const text = utf8Of(bytes);
  const json = objectOf(parseText(text), 'the record');
  const expireAt = json['expireAt'] === undefined ? undefined : countOf(json['expireAt'], 'expireAt');
  return {
    value: valueOf(json, expireAt, text),
    expireAt,
  };
};

const valueOf = (json: Json, expireAt: number | undefined, text: string): KeyValue => {
  const type = stringOf(json['type'], 'type');
  if (json['omitted'] === true) {
    return { type: 'omitted', redisType: type, bytes: countOf(json['bytes'], 'bytes') };
  }
  if (json['dump'] !== undefined) {
    return { type: 'dump', redisType: type, payload: fromBase64(json['dump'], 'dump') };
  }
  const value = json['value'];
  const unquote = unquoteFor(json['encoding']);
  switch (type) {
    case 'string':
      return { type, value: unquote(value, 'a string') };
    case 'hash':
      return hashOf(value, json['fieldExpireAt'], unquote);
    case 'list':
      return { type, items: arrayOf(value, 'a list').map((item) => unquote(item, 'an item of a list')) };
    case 'set':
      return { type, members: arrayOf(value, 'a set').map((member) => unquote(member, 'a member of a set')) };
    case 'zset':
      return { type, entries: arrayOf(value, 'a zset').flatMap((pair) => scoredMember(pair, unquote)) };
    case 'stream':
      return { type, stream: streamOf(value, unquote) };
    case 'json':
      if (unquote === fromBase64) return { type, document: unquote(value, 'a JSON document') };
      return { type, document: Buffer.from(documentOf(value, expireAt, text), 'utf8') };
    default:
      throw unreadable(`type ${JSON.stringify(type)} has neither a known value nor a dump`);
  }
};

/** The order of fields means nothing, and is not kept: a parsed object lists those that look like integers first. */
const hashOf = (value: unknown, expiries: unknown, unquote: Unquote): KeyValue => {
  const pairs = Object.entries(objectOf(value, 'a hash'));
  const entries: Buffer[] = [];
  for (const [field, fieldValue] of pairs) {
    entries.push(unquote(field, 'a field of a hash'), unquote(fieldValue, 'a value of a hash'));
  }
  if (expiries === undefined) return { type: 'hash', entries };
  const known = new Map(Object.entries(objectOf(expiries, 'fieldExpireAt')));
  const fieldExpireAt = pairs.map(([field]) =>
    known.has(field) ? countOf(known.get(field), 'fieldExpireAt') : undefined,
  );
  return { type: 'hash', entries, fieldExpireAt };
};

const scoredMember = (pair: unknown, unquote: Unquote): readonly Buffer[] => {
  const [member, score, ...more] = arrayOf(pair, 'an entry of a zset');
  if (more.length > 0) throw unreadable('an entry of a zset is not a pair of member and score');
  return [unquote(member, 'a member of a zset'), Buffer.from(scoreText(score))];
};

const scoreText = (score: unknown): string => {
  if (score === 'inf' || score === '-inf') return score;
  if (typeof score !== 'number' || !Number.isFinite(score)) throw unreadable('a score is no number, "inf" or "-inf"');
  return Object.is(score, -0) ? '-0' : String(score);
};

const streamOf = (value: unknown, unquote: Unquote): StreamState => {
  const stream = objectOf(value, 'a stream');
  return {
    lastId: streamId(stream['lastId']),
    entries: arrayOf(stream['entries'], 'entries of a stream').map((entry): StreamEntry => {
      const [id, fields, ...more] = arrayOf(entry, 'an entry of a stream');
      const texts = arrayOf(fields, 'fields of a stream entry');
      if (more.length > 0 || texts.length % 2 !== 0)
        throw unreadable('an entry of a stream is not [id, [field, value]]');
      return { id: streamId(id), fields: texts.map((field) => unquote(field, 'a field of a stream entry')) };
    }),
    groups: arrayOf(stream['groups'], 'groups of a stream').map((each): StreamGroup => {
      const group = objectOf(each, 'a group of a stream');
      return { name: unquote(group['name'], 'the name of a group'), lastId: streamId(group['lastId']) };
    }),
  };
};

/**
 * The document exactly as it stands in the record: as our encoder writes it, between `"value":` and the expiry. Where
 * something else wrote the record, as JSON.stringify writes it.
 */
const documentOf = (value: unknown, expireAt: number | undefined, text: string): string => {
  const head = '{"type":"json","value":';
  const tail = expireAt === undefined ? '}' : `,"expireAt":${expireAt}}`;
  if (text.startsWith(head) && text.endsWith(tail)) {
    const document = text.slice(head.length, text.length - tail.length);
    if (isJson(document)) return document;
  }
  if (value === undefined) throw unreadable('a JSON document is missing');
  return JSON.stringify(value);
};

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

const streamId = (value: unknown): string => {
  const id = stringOf(value, 'an ID of a stream');
  if (!/^\d+-\d+$/.test(id)) throw unreadable('an ID of a stream is not of the form 1-2');
  return id;
};
