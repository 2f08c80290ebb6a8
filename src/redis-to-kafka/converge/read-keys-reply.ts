import type { RedisReply } from '../../clients/redis/port.ts';
import type { RecordFormat } from '../../core/key-record.ts';
import type { KeyValue, StreamEntry, StreamGroup } from '../../core/key-state.ts';
import { expiryOf } from './expiry.ts';
import { arrayOf, bufferOf, textOf } from './redis-replies.ts';
import type { LargeKey, PiecewiseType } from './key-pieces.ts';
import type { Found } from './key-source.ts';
import { PACKED_TYPES } from './read-keys-script.ts';

export const isLarge = (found: Found | LargeKey): found is LargeKey => typeof found === 'object' && 'elements' in found;

/** One key's element of the reply to READ_KEYS: its shape is told there. */
export const readReply = (reply: RedisReply, format: RecordFormat): Found | LargeKey => {
  if (reply === null) return undefined;
  if (Buffer.isBuffer(reply)) return { value: textValue(reply), expireAt: undefined };
  if (typeof reply === 'number') return 'later';
  const [first = null, second = null, third = null] = reply;
  if (typeof first === 'number') {
    const redisType = PACKED_TYPES[Number(third)];
    const bytes = bufferOf(second);
    const value = redisType ? ({ type: 'packed', redisType, strings: bytes } as const) : textValue(bytes);
    return { value, expireAt: expiryOf(first) };
  }
  const redisType = typeName(textOf(first));
  if (third === null) {
    const [elements = 0, parts = 1, bytes = 0, fieldsMayExpire, hasExpireTime] = reply.slice(3).map(Number);
    const size = { elements, parts, bytes };
    const server = { fieldsMayExpire: fieldsMayExpire === 1, hasExpireTime: hasExpireTime === 1 };
    return { type: redisType as PiecewiseType, ...size, ...server };
  }
  const expireAt = expiryOf(second);
  if (typeof third === 'number') return { value: { type: 'omitted', redisType, bytes: third }, expireAt };
  if (!Buffer.isBuffer(third)) return { value: valueOf(redisType, third, reply.slice(3)), expireAt };
  if (redisType === 'json' && format === 'json') return { value: { type: 'json', document: third }, expireAt };
  return { value: { type: 'dump', redisType, payload: third }, expireAt };
};

const textValue = (value: Buffer): KeyValue => ({ type: 'string', value });

/** RedisJSON calls its type by another name. */
const typeName = (redisType: string): string => (redisType === 'ReJSON-RL' ? 'json' : redisType);

/**
 * @param content as HGETALL, LRANGE, SMEMBERS, ZRANGE WITHSCORES and XRANGE give it; pieces, for a string.
 * @param more behind a hash's content, its fields' expiries; behind a stream's, XINFO STREAM and XINFO GROUPS.
 */
export const valueOf = (type: string, content: readonly RedisReply[], more: readonly RedisReply[]): KeyValue => {
  switch (type) {
    case 'string':
      return { type, value: Buffer.concat(content as readonly Buffer[]) };
    case 'hash': {
      const entries = content as readonly Buffer[];
      const expiries = more[0] ?? null;
      return expiries === null ? { type, entries } : { type, entries, fieldExpireAt: arrayOf(expiries).map(expiryOf) };
    }
    case 'list':
      return { type, items: content as readonly Buffer[] };
    case 'set':
      return { type, members: content as readonly Buffer[] };
    case 'zset':
      return { type, entries: content as readonly Buffer[] };
    case 'stream': {
      const [info = null, groups = null] = more;
      return {
        type,
        stream: {
          lastId: textOf(fieldsOf(info).get('last-generated-id')),
          entries: content.map(streamEntry),
          groups: arrayOf(groups).map(streamGroup),
        },
      };
    }
    default:
      throw new TypeError(`${type} is not read by its elements`);
  }
};

const streamEntry = (reply: RedisReply): StreamEntry => {
  const [id = null, fields = null] = arrayOf(reply);
  return { id: textOf(id), fields: arrayOf(fields) as readonly Buffer[] };
};

const streamGroup = (reply: RedisReply): StreamGroup => {
  const group = fieldsOf(reply);
  return { name: bufferOf(group.get('name') ?? null), lastId: textOf(group.get('last-delivered-id')) };
};

/** A flat array of names and values, as XINFO gives it. */
const fieldsOf = (reply: RedisReply): ReadonlyMap<string, RedisReply> => {
  const flat = arrayOf(reply);
  const fields = new Map<string, RedisReply>();
  for (let at = 0; at + 1 < flat.length; at += 2) fields.set(textOf(flat[at]), flat[at + 1] ?? null);
  return fields;
};
