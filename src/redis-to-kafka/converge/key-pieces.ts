import type { RedisCommand, RedisReply } from '../../clients/redis/port.ts';
import { arrayOf, textOf } from './read-keys-reply.ts';

/** How the values of one type are read in pieces that Redis gives one after another, and in one go. */
export interface Pieces {
  readonly count: string;
  readonly whole: (key: Buffer) => RedisCommand;
  readonly firstCursor: string;
  /** @param size elements of the piece; bytes, for a string. */
  readonly piece: (key: Buffer, cursor: string, size: number) => RedisCommand;
  /** What the piece holds, and where the next one begins; undefined: there is none. */
  readonly read: (reply: RedisReply, cursor: string, size: number) => Piece;
}

export interface Piece {
  readonly items: readonly RedisReply[];
  readonly next: string | undefined;
}

/** By index; a piece shorter than asked for is the last. */
const indexed = (wholeSize: number, command: (key: Buffer, from: number, to: number) => RedisCommand): Pick<Pieces, 'whole' | 'firstCursor' | 'piece' | 'read'> => ({
  whole: (key) => command(key, 0, -1),
  firstCursor: '0',
  piece: (key, cursor, size) => command(key, Number(cursor), Number(cursor) + size - 1),
  read: (reply, cursor, size) => {
    const items = Buffer.isBuffer(reply) ? [reply] : arrayOf(reply);
    const got = Buffer.isBuffer(reply) ? reply.length : items.length / wholeSize;
    return { items, next: got < size ? undefined : String(Number(cursor) + size) };
  },
});

/** By SCAN's cursors: an element may come twice, none is left out as long as nothing changes. */
const scanned = (scan: string): Pick<Pieces, 'firstCursor' | 'piece' | 'read'> => ({
  firstCursor: '0',
  piece: (key, cursor, size) => [scan, key, cursor, 'COUNT', size],
  read: (reply) => {
    const [cursor = null, items = null] = arrayOf(reply);
    const next = textOf(cursor);
    return { items: arrayOf(items), next: next === '0' ? undefined : next };
  },
});

export const PIECES = {
  string: { count: 'STRLEN', ...indexed(1, (key, from, to) => ['GETRANGE', key, from, to]) },
  hash: { count: 'HLEN', whole: (key) => ['HGETALL', key], ...scanned('HSCAN') },
  list: { count: 'LLEN', ...indexed(1, (key, from, to) => ['LRANGE', key, from, to]) },
  set: { count: 'SCARD', whole: (key) => ['SMEMBERS', key], ...scanned('SSCAN') },
  zset: { count: 'ZCARD', ...indexed(2, (key, from, to) => ['ZRANGE', key, from, to, 'WITHSCORES']) },
  stream: {
    count: 'XLEN',
    whole: (key) => ['XRANGE', key, '-', '+'],
    firstCursor: '-',
    piece: (key, cursor, size) => ['XRANGE', key, cursor, '+', 'COUNT', size],
    read: (reply, _, size) => {
      const items = arrayOf(reply);
      return { items, next: items.length < size ? undefined : `(${textOf(arrayOf(items.at(-1) ?? null)[0])}` };
    },
  },
} as const satisfies Readonly<Record<string, Pieces>>;

export type PiecewiseType = keyof typeof PIECES;
export const isPiecewise = (type: string): type is PiecewiseType => Object.hasOwn(PIECES, type);
