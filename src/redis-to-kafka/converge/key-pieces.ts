import type { RedisCommand, RedisReply } from '../../clients/redis/port.ts';
import { arrayOf, textOf } from './redis-replies.ts';

export type PiecewiseType = 'string' | 'hash' | 'list' | 'set' | 'zset' | 'stream';

/** A key that its script call only measured. */
export interface LargeKey {
  readonly type: PiecewiseType;
  /** Fields, items, members, entries; 1 for a string. */
  readonly elements: number;
  /** Strings of an element, where that differs from key to key: of a stream's entry, as sampled. Else 1. */
  readonly parts: number;
  /** In Redis' memory, estimated from samples. */
  readonly bytes: number;
  /** A hash on a server whose fields may expire one by one. */
  readonly fieldsMayExpire: boolean;
  /** Whether the server has PEXPIRETIME. */
  readonly hasExpireTime: boolean;
}

/** How the values of one type are read in one go, and in pieces that follow one another. */
interface Pieces {
  readonly whole: (key: Buffer) => RedisCommand;
  readonly firstCursor: string;
  /** @param size elements of the piece; bytes, for a string. */
  readonly piece: (key: Buffer, cursor: string, size: number) => RedisCommand;
  readonly read: (reply: RedisReply, cursor: string, size: number) => Piece;
}

interface Piece {
  readonly items: readonly RedisReply[];
  /** Where the next piece begins; undefined: there is none. */
  readonly next: string | undefined;
}

/** By index: a piece shorter than asked for is the last. */
const indexed = (command: (key: Buffer, from: number, to: number) => RedisCommand, itemsPerElement = 1): Pieces => ({
  whole: (key) => command(key, 0, -1),
  firstCursor: '0',
  piece: (key, cursor, size) => command(key, Number(cursor), Number(cursor) + size - 1),
  read: (reply, cursor, size) => {
    const items = Buffer.isBuffer(reply) ? [reply] : arrayOf(reply);
    const got = Buffer.isBuffer(reply) ? reply.length : items.length / itemsPerElement;
    return { items, next: got < size ? undefined : String(Number(cursor) + size) };
  },
});

/** By SCAN's cursors: an element may come twice; none is left out as long as nothing changes. */
const scanned = (whole: string, scan: string): Pieces => ({
  whole: (key) => [whole, key],
  firstCursor: '0',
  piece: (key, cursor, size) => [scan, key, cursor, 'COUNT', size],
  read: (reply) => {
    const [cursor = null, items = null] = arrayOf(reply);
    return { items: arrayOf(items), next: textOf(cursor) === '0' ? undefined : textOf(cursor) };
  },
});

export const PIECES: Readonly<Record<PiecewiseType, Pieces>> = {
  string: indexed((key, from, to) => ['GETRANGE', key, from, to]),
  hash: scanned('HGETALL', 'HSCAN'),
  list: indexed((key, from, to) => ['LRANGE', key, from, to]),
  set: scanned('SMEMBERS', 'SSCAN'),
  zset: indexed((key, from, to) => ['ZRANGE', key, from, to, 'WITHSCORES'], 2),
  stream: {
    whole: (key) => ['XRANGE', key, '-', '+'],
    firstCursor: '-',
    piece: (key, cursor, size) => ['XRANGE', key, cursor, '+', 'COUNT', size],
    read: (reply, _, size) => {
      const items = arrayOf(reply);
      const [lastId = null] = items.length < size ? [] : arrayOf(items.at(-1) ?? null);
      return { items, next: lastId === null ? undefined : `(${textOf(lastId)}` };
    },
  },
};

/** Microseconds of Redis' time, measured: what a key may take in one go, and one piece of a larger one. */
const WHOLE_WORK = 6_000;
const PIECE_WORK = 2_000;
const BYTE_WORK = 0.0005;
const PART_WORK: Readonly<Record<PiecewiseType, number>> = {
  string: 0,
  hash: 0.25,
  list: 0.05,
  set: 0.2,
  zset: 0.6,
  stream: 0.06,
};

/** Whether the key is read in one go. Expiries of fields can only be asked for by naming the fields. */
export const readsWhole = ({ type, elements, parts, bytes, fieldsMayExpire }: LargeKey): boolean =>
  !fieldsMayExpire && elements * parts * PART_WORK[type] + bytes * BYTE_WORK <= WHOLE_WORK;

/** Elements of one piece; bytes, for a string. */
export const pieceSize = ({ type, elements, parts, bytes }: LargeKey): number => {
  if (type === 'string') return PIECE_WORK / BYTE_WORK;
  const elementWork = parts * PART_WORK[type] + (bytes / elements) * BYTE_WORK;
  return Math.max(1, Math.floor(PIECE_WORK / elementWork));
};

/** What an element takes in the record beside its own bytes, at least. */
const FRAME_BYTES = 3;

/** Bytes that the items take in a record, at least. */
export const weightOf = (type: PiecewiseType, items: readonly RedisReply[]): number => {
  let bytes = type === 'string' ? 0 : FRAME_BYTES * items.length;
  for (const item of items) {
    if (Buffer.isBuffer(item)) bytes += item.length;
    else if (Array.isArray(item)) bytes += weightOf(type, item as readonly RedisReply[]);
  }
  return bytes;
};

/** Without what a scan gave twice. */
export const distinct = (type: PiecewiseType, items: readonly RedisReply[]): readonly RedisReply[] => {
  if (type !== 'hash' && type !== 'set') return items;
  const stride = type === 'hash' ? 2 : 1;
  const seen = new Set<string>();
  let isNew = true;
  return items.filter((item, at) => {
    if (at % stride !== 0) return isNew;
    const before = seen.size;
    isNew = seen.add(textOf(item)).size > before;
    return isNew;
  });
};
