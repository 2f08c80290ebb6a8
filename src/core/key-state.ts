/** A key's content. Every byte string is raw: nothing here assumes text. */
export type KeyValue =
  | { readonly type: 'string'; readonly value: Buffer }
  /** `entries` alternates field, value. `fieldExpireAt` runs beside the fields: Unix ms, or undefined. */
  | {
      readonly type: 'hash';
      readonly entries: readonly Buffer[];
      readonly fieldExpireAt?: readonly (number | undefined)[];
    }
  | { readonly type: 'list'; readonly items: readonly Buffer[] }
  | { readonly type: 'set'; readonly members: readonly Buffer[] }
  /** `entries` alternates member, score; a score is Redis' own text of it: `1.5`, `inf`, `-inf`. */
  | { readonly type: 'zset'; readonly entries: readonly Buffer[] }
  | { readonly type: 'stream'; readonly stream: StreamState }
  /**
   * A collection as the reading script packs it: its strings in the order in which the type's own command lists them
   * (HGETALL, LRANGE, SMEMBERS, ZRANGE WITHSCORES), as a MessagePack array. codecs/packed-strings.ts takes it apart.
   */
  | { readonly type: 'packed'; readonly redisType: PackedType; readonly strings: Buffer }
  /** A RedisJSON document, as the text of JSON.GET. */
  | { readonly type: 'json'; readonly document: Buffer }
  /** Redis' own DUMP payload, of any type; `type` names what it holds (`string`, `hash`, `mbbloom--`...). */
  | { readonly type: 'dump'; readonly redisType: string; readonly payload: Buffer }
  /** The value is larger than the limit and stays in Redis; `bytes` is its size there, as far as Redis tells it cheaply. */
  | { readonly type: 'omitted'; readonly redisType: string; readonly bytes: number };

export type PackedType = 'hash' | 'list' | 'set' | 'zset';

export interface StreamState {
  readonly lastId: string;
  readonly entries: readonly StreamEntry[];
  readonly groups: readonly StreamGroup[];
}

export interface StreamEntry {
  readonly id: string;
  /** Alternates field, value; a field may repeat. */
  readonly fields: readonly Buffer[];
}

export interface StreamGroup {
  readonly name: Buffer;
  readonly lastId: string;
}

/** What one key holds at one moment. An absent key has no KeyState. */
export interface KeyState {
  readonly value: KeyValue;
  /** Absolute expiry, Unix ms; undefined where the key does not expire. */
  readonly expireAt: number | undefined;
}

/** The type as Redis' TYPE names it, whatever the state travels as. */
export const redisTypeOf = (value: KeyValue): string => ('redisType' in value ? value.redisType : value.type);
