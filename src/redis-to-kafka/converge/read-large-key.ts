import type { RedisCommand, RedisConnection, RedisReply } from '../../clients/redis/port.ts';
import { isRefusedWith } from '../../clients/redis/script-runner.ts';
import type { KeyState } from '../../core/key-state.ts';
import { Turns } from '../../core/turns.ts';
import { type LargeKey, PIECES, distinct, pieceSize, readsWhole, weightOf } from './key-pieces.ts';
import type { Found } from './key-source.ts';
import { expiryCommand, expiryOf } from './expiry.ts';
import { valueOf } from './read-keys-reply.ts';
import { arrayOf, textOf } from './redis-replies.ts';

/** A key that is written faster than it can be read is left out after so many attempts. */
const ATTEMPTS = 3;
const FIELDS_PER_CALL = 5_000;
const FIELD_GONE = -2;
/** Ends what an attempt before this one may still be watching. */
const FORGET: RedisCommand = ['UNWATCH'];

/** What one attempt at a key in pieces may end with beside its state. */
type Attempt = KeyState | 'changed' | 'too large' | 'another type';

/**
 * Reads keys that are too large for a script call: with plain commands, which cost Redis a quarter of what a script
 * pays; in one MULTI where that takes a few milliseconds, else in pieces under WATCH, so that others get their turn
 * between two pieces. One key at a time, since WATCH belongs to the connection.
 */
export class LargeKeyReader {
  readonly #connectionTo: (key: Buffer) => RedisConnection;
  readonly #maxValueBytes: number;
  readonly #turns = new Turns();

  /** @param options.connectionTo gives the connection to the master that has the key. */
  constructor(options: { readonly connectionTo: (key: Buffer) => RedisConnection; readonly maxValueBytes: number }) {
    this.#connectionTo = options.connectionTo;
    this.#maxValueBytes = options.maxValueBytes;
  }

  /**
   * `later` where the key no longer is what it was measured as. A key that changes all the time comes as omitted; what
   * changed it came after this read began, and so touches it again (I1).
   * @throws as RedisConnection.call does: also while its slot is on the way to another master, which may take long.
   */
  read(key: Buffer, large: LargeKey): Promise<Found> {
    return this.#turns.take(() => (readsWhole(large) ? this.#readWhole(key, large) : this.#readPieces(key, large)));
  }

  async #readWhole(key: Buffer, large: LargeKey): Promise<Found> {
    const whole = PIECES[large.type].whole(key);
    const replies = await transaction(
      this.#connectionTo(key),
      [['TYPE', key], expiryCommand(key, large.hasExpireTime), whole, ...detailsOf(key, large)],
      [FORGET],
    );
    const [type = null, expiry = null, content = null, ...details] = replies ?? [];
    if (textOf(type) !== large.type || expiry === null) return 'later';
    const items = Buffer.isBuffer(content) ? [content] : arrayOf(content);
    return { value: valueOf(large.type, items, details), expireAt: expiryOf(expiry) };
  }

  async #readPieces(key: Buffer, large: LargeKey): Promise<Found> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const found = await this.#attempt(key, large).catch((error: unknown): Attempt => {
        if (isRefusedWith(error, 'WRONGTYPE')) return 'another type';
        throw error;
      });
      if (found === 'another type') return 'later';
      if (found === 'too large') break;
      if (found !== 'changed') return found;
    }
    const expiry = await this.#connectionTo(key).call(...expiryCommand(key, large.hasExpireTime));
    if (expiry === null) return 'later';
    return { value: { type: 'omitted', redisType: large.type, bytes: large.bytes }, expireAt: expiryOf(expiry) };
  }

  async #attempt(key: Buffer, large: LargeKey): Promise<Attempt> {
    const connection = this.#connectionTo(key);
    const [, id, , type = null] = await pipeline(connection, [FORGET, ['CLIENT', 'ID'], ['WATCH', key], ['TYPE', key]]);
    if (textOf(type) !== large.type) return 'another type';
    const items = await this.#collect(connection, key, large);
    if (items === undefined) return 'too large';
    const expiries = large.fieldsMayExpire ? [await fieldExpiriesOf(connection, key, items)] : [];
    const expiryOfKey = expiryCommand(key, large.hasExpireTime);
    const replies = await transaction(connection, [['CLIENT', 'ID'], expiryOfKey, ...detailsOf(key, large)]);
    const [sameId, expiry = null, ...details] = replies ?? [];
    // On a connection that took over meanwhile nobody was watching.
    if (expiry === null || sameId !== id || expiries.flat().includes(FIELD_GONE)) return 'changed';
    return { value: valueOf(large.type, items, [...expiries, ...details]), expireAt: expiryOf(expiry) };
  }

  /** undefined: more than may travel. */
  async #collect(
    connection: RedisConnection,
    key: Buffer,
    large: LargeKey,
  ): Promise<readonly RedisReply[] | undefined> {
    const pieces = PIECES[large.type];
    const size = pieceSize(large);
    const items: RedisReply[] = [];
    let room = this.#maxValueBytes;
    for (let cursor: string | undefined = pieces.firstCursor; cursor !== undefined;) {
      const reply = await connection.call(...pieces.piece(key, cursor, size));
      const piece = pieces.read(reply, cursor, size);
      room -= weightOf(large.type, piece.items);
      if (room < 0) return undefined;
      for (const item of piece.items) items.push(item);
      cursor = piece.next;
    }
    return distinct(large.type, items);
  }
}

const fieldExpiriesOf = async (
  connection: RedisConnection,
  key: Buffer,
  entries: readonly RedisReply[],
): Promise<readonly RedisReply[]> => {
  const fields = (entries as readonly Buffer[]).filter((_, at) => at % 2 === 0);
  const expiries: RedisReply[] = [];
  for (let from = 0; from < fields.length; from += FIELDS_PER_CALL) {
    const some = fields.slice(from, from + FIELDS_PER_CALL);
    const reply = await connection.call('HPEXPIRETIME', key, 'FIELDS', some.length, ...some);
    for (const expiry of arrayOf(reply)) expiries.push(expiry);
  }
  return expiries;
};

/** undefined where a watched key has changed. */
const transaction = async (
  connection: RedisConnection,
  commands: readonly RedisCommand[],
  before: readonly RedisCommand[] = [],
): Promise<readonly RedisReply[] | undefined> => {
  const replies = await pipeline(connection, [...before, ['MULTI'], ...commands, ['EXEC']]);
  const outcome = replies.at(-1) ?? null;
  return outcome === null ? undefined : arrayOf(outcome);
};

const pipeline = async (
  connection: RedisConnection,
  commands: readonly RedisCommand[],
): Promise<readonly RedisReply[]> => {
  const replies = await connection.pipeline(commands);
  return replies.map((reply) => {
    if (reply instanceof Error) throw reply;
    return reply;
  });
};

const detailsOf = (key: Buffer, { type }: LargeKey): readonly RedisCommand[] =>
  type === 'stream'
    ? [
        ['XINFO', 'STREAM', key],
        ['XINFO', 'GROUPS', key],
      ]
    : [];
