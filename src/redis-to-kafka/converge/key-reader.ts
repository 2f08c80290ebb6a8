import type { RedisArgument, RedisConnection, RedisReply, RedisScript } from '../../clients/redis/port.ts';
import { isKeyferryError } from '../../core/errors.ts';
import { type KeyName, keyBytes } from '../../core/key-name.ts';
import type { RecordFormat } from '../../core/key-record.ts';
import { type KeyState, redisTypeOf } from '../../core/key-state.ts';
import type { LargeKey } from './key-pieces.ts';
import type { Found, KeySource, LargeRead } from './key-source.ts';
import { LargeKeyReader } from './read-large-key.ts';
import { KEYS_EXIST, READ_KEYS } from './read-keys-script.ts';
import { isLarge, readReply } from './read-keys-reply.ts';

export interface KeyReaderOptions {
  /** To all masters. Nobody else may use MULTI or WATCH on it. */
  readonly connection: RedisConnection;
  /** The connection to the master that has a key, where that is another one. Nobody else may use WATCH on it. */
  readonly connectionTo?: ((key: Buffer) => RedisConnection) | undefined;
  readonly format: RecordFormat;
  /** A value above it is not read but comes as omitted. Near it the encoded record decides, which is the caller's to do. */
  readonly maxValueBytes: number;
}

/**
 * Reads keys of one database. Most come in one script call per batch; one too large for that is read by itself, when it is
 * asked for.
 */
export class KeyReader implements KeySource {
  readonly #options: KeyReaderOptions;
  readonly #largeKeys: LargeKeyReader;

  constructor(options: KeyReaderOptions) {
    const { connection, connectionTo = () => connection } = options;
    this.#options = options;
    this.#largeKeys = new LargeKeyReader({ connectionTo, maxValueBytes: options.maxValueBytes });
  }

  async read(keys: readonly KeyName[]): Promise<readonly (Found | LargeRead)[]> {
    if (keys.length === 0) return [];
    const { format, maxValueBytes } = this.#options;
    const names = keys.map(keyBytes);
    const replies = await this.#askEach({ script: READ_KEYS, args: [format, maxValueBytes] }, names, CALL_SIZES);
    return names.map((name, at) => {
      const reply = replies[at] ?? null;
      const found = reply instanceof Error ? reply : readReply(reply, format);
      return isLarge(found) ? () => this.#readLarge(name, found) : found;
    });
  }

  /** As `read`, the large ones among them, one after the other. */
  async readAll(keys: readonly KeyName[]): Promise<readonly Found[]> {
    const found: Found[] = [];
    for (const one of await this.read(keys)) found.push(typeof one === 'function' ? await one() : one);
    return found;
  }

  /**
   * Redis refuses a call as a whole where the user may not read one of its keys: they are asked for in smaller calls, down
   * to one for each, so that only that key stays unread.
   * @param sizes of the smaller calls.
   */
  async #askEach(
    ask: { readonly script: RedisScript; readonly args: readonly RedisArgument[] },
    names: readonly Buffer[],
    [size, ...sizes]: readonly number[],
  ): Promise<(RedisReply | Error)[]> {
    const { connection } = this.#options;
    const replies = [...(await connection.scriptEach(ask.script, { keys: names, args: ask.args }))];
    const refused = [...names.keys()].filter((at) => isOfAKey(replies[at]));
    if (size === undefined || names.length === 1 || refused.length === 0) return replies;
    await Promise.all(
      chunks(refused, size).map(async (places) => {
        const again = await this.#askEach(ask, namesAt(names, places), sizes);
        for (const [at, place] of places.entries()) replies[place] = again[at] ?? null;
      }),
    );
    return replies;
  }

  async exist(keys: readonly KeyName[]): Promise<readonly (boolean | undefined)[]> {
    if (keys.length === 0) return [];
    const replies = await this.#askEach({ script: KEYS_EXIST, args: [] }, keys.map(keyBytes), CALL_SIZES);
    return replies.map((reply) => {
      if (isOfAKey(reply)) return undefined;
      if (reply instanceof Error) throw reply;
      return reply === 1;
    });
  }

  async #readLarge(name: Buffer, large: LargeKey): Promise<Found> {
    try {
      return await this.#largeKeys.read(name, large);
    } catch (error) {
      if (error instanceof Error) return error;
      throw error;
    }
  }
}

/** Of a few hundred keys, of which one is refused, it takes few calls to find that one; and few keys wait for many. */
const CALL_SIZES = [25, 1];

/** Whether the user may run the command, but not on one of the keys. */
const isOfAKey = (reply: RedisReply | Error | undefined): boolean =>
  isKeyferryError(reply, 'KF_REDIS_PERMISSION') && /\bkeys?\b/.test(reply.message);

const chunks = <T>(items: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));

const namesAt = (names: readonly Buffer[], places: readonly number[]): readonly Buffer[] =>
  places.flatMap((at) => names[at] ?? []);

const HLL = Buffer.from('HYLL');
/** A compressed DUMP payload begins with its lengths; the first bytes of the content follow as they are. */
const DUMP_OPENING_BYTES = 24;

/**
 * Whether Redis changes such a state without a notification: XREADGROUP moves a stream's groups on, PFCOUNT writes its
 * cached count into the string. Such keys must be looked at from time to time.
 */
export const changesSilently = ({ value }: KeyState): boolean => {
  if (value.type === 'string') return value.value[0] === HLL[0] && value.value.subarray(0, HLL.length).equals(HLL);
  if (value.type === 'stream') return value.stream.groups.length > 0;
  if (value.type !== 'dump') return false;
  return redisTypeOf(value) === 'stream' || value.payload.subarray(0, DUMP_OPENING_BYTES).includes(HLL);
};
