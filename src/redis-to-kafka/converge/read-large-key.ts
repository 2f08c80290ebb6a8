import type { RedisCommand, RedisConnection, RedisReply } from '../../clients/redis/port.ts';
import type { KeyState, KeyValue } from '../../core/key-state.ts';
import { PIECES, type PiecewiseType } from './key-pieces.ts';
import type { Found } from './key-source.ts';
import { type LargeKey, arrayOf, bufferOf, collectionOf, expiryOf, textOf } from './read-keys-reply.ts';

/** Microseconds of Redis' time, measured (docs/adr/0004): what a key may take in one go, and one piece of a larger one. */
const WHOLE_WORK = 6_000;
const PIECE_WORK = 2_000;
const BYTE_WORK = 0.0005;
const ELEMENT_WORK: Readonly<Record<PiecewiseType, number>> = {
  string: 0,
  hash: 0.25,
  list: 0.05,
  set: 0.15,
  zset: 0.6,
  stream: 0.4,
};

/** What an element takes in the record beside its own bytes, at least. */
const ELEMENT_FRAME_BYTES = 3;
/** A key that is written faster than it can be read is left out after so many attempts. */
const ATTEMPTS = 3;

const CHANGED = Symbol('changed while it was read');
type Attempt = Found | typeof CHANGED;

/**
 * Reads keys that are too large for a script call: with plain commands, which cost Redis a quarter of what a script
 * pays; in one MULTI where that takes a few milliseconds, else in pieces under WATCH, so that others get their turn between
 * two pieces. One key at a time, since WATCH belongs to the connection.
 */
export class LargeKeyReader {
  readonly #connection: RedisConnection;
  readonly #maxValueBytes: number;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: { readonly connection: RedisConnection; readonly maxValueBytes: number }) {
    this.#connection = options.connection;
    this.#maxValueBytes = options.maxValueBytes;
  }

  /**
   * `later` where the key is no longer what it was measured as. A key that changes all the time comes as omitted: the
   * change that got in the way touches it again, since it came after this read began (I1).
   */
  read(key: Buffer, large: LargeKey): Promise<Found> {
    const reading = this.#last.then(() => this.#read(key, large));
    this.#last = reading.catch(() => undefined);
    return reading;
  }

  async #read(key: Buffer, large: LargeKey): Promise<Found> {
    const work = large.elements * ELEMENT_WORK[large.type] + large.bytes * BYTE_WORK;
    if (work <= WHOLE_WORK && !large.fieldsMayExpire) return this.#readWhole(key, large);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const found = await this.#readPieces(key, large);
      if (found !== CHANGED) return found;
    }
    return this.#omit(key, large);
  }

  async #readWhole(key: Buffer, large: LargeKey): Promise<Found> {
    const replies = await this.#transaction([['TYPE', key], ['PEXPIRETIME', key], PIECES[large.type].whole(key), ...detailsOf(key, large)]);
    const [type = null, expiry = null, content = null, ...details] = replies ?? [];
    if (textOf(type) !== large.type) return 'later';
    const items = Buffer.isBuffer(content) ? [content] : arrayOf(content);
    return { value: valueOf(large, items, details), expireAt: expiryOf(expiry) };
  }

  async #readPieces(key: Buffer, large: LargeKey): Promise<Attempt> {
    const [id, , type = null] = await this.#pipeline([['CLIENT', 'ID'], ['WATCH', key], ['TYPE', key]]);
    const contents = textOf(type) === large.type ? await this.#collect(key, large) : 'later';
    if (contents === 'later' || contents === 'too large') {
      await this.#connection.call('UNWATCH');
      return contents === 'later' ? contents : this.#omit(key, large);
    }
    const replies = await this.#transaction([['CLIENT', 'ID'], ['PEXPIRETIME', key], ...detailsOf(key, large)]);
    const [sameId, expiry = null, ...details] = replies ?? [];
    // On a connection that was replaced meanwhile nobody was watching.
    if (replies === undefined || sameId !== id) return CHANGED;
    const more = large.fieldsMayExpire ? [contents.fieldExpiries] : details;
    return { value: valueOf(large, contents.items, more), expireAt: expiryOf(expiry) };
  }
}
