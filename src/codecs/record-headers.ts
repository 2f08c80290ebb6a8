import { KeyferryError } from '../core/errors.ts';
import { type GoneOp, HEADER, type KeyOp, RECORD_VERSION } from '../core/key-record.ts';

/** In the order in which they are written; never changed after. */
type Headers = ReadonlyMap<string, Buffer>;

/** Writes the headers of one database's records. Maps are shared between records: nobody may change one. */
export interface HeaderWriter {
  /** @param options.ts Unix ms at which the change was seen. */
  set(options: { readonly redisType: string; readonly expireAt: number | undefined; readonly ts: number }): Headers;
  gone(options: { readonly op: GoneOp; readonly redisType: string; readonly ts: number }): Headers;
}

/** @param options.origin the id of the Redis deployment. */
export const headerWriter = (options: { readonly db: number; readonly origin: string }): HeaderWriter => {
  const db = Buffer.from(String(options.db));
  const origin = Buffer.from(options.origin);
  let ts = NaN;
  let tsBytes = VERSION;
  // The records of one moment differ in little: those of one op and type without an expiry share their map.
  const shared = new Map<string, Headers>();

  const build = (op: KeyOp, redisType: string): Map<string, Buffer> =>
    new Map([
      [HEADER.op, textBytes(op)],
      [HEADER.type, textBytes(redisType)],
      [HEADER.db, db],
      [HEADER.ts, tsBytes],
      [HEADER.origin, origin],
      [HEADER.version, VERSION],
    ]);
  const moveTo = (now: number): void => {
    if (now === ts) return;
    ts = now;
    tsBytes = Buffer.from(String(now));
    shared.clear();
  };
  const withoutExpiry = (op: KeyOp, redisType: string): Headers => {
    const name = op + redisType;
    const known = shared.get(name);
    if (known !== undefined) return known;
    const headers = build(op, redisType);
    shared.set(name, headers);
    return headers;
  };
  return {
    set: ({ redisType, expireAt, ts: at }) => {
      moveTo(at);
      if (expireAt === undefined) return withoutExpiry('set', redisType);
      return build('set', redisType).set(HEADER.expireAt, Buffer.from(String(expireAt)));
    },
    gone: ({ op, redisType, ts: at }) => {
      moveTo(at);
      return withoutExpiry(op, redisType);
    },
  };
};

const VERSION = Buffer.from(RECORD_VERSION);

/** Ops and types are few, and the same for each of the 100,000 records of a second. */
const texts = new Map<string, Buffer>();
const textBytes = (text: string): Buffer => {
  const known = texts.get(text);
  if (known !== undefined) return known;
  const bytes = Buffer.from(text);
  texts.set(text, bytes);
  return bytes;
};

/** What the headers of a key record say. */
export interface KeyRecordHeaders {
  readonly op: KeyOp;
  readonly redisType: string;
  readonly db: number;
  /** Unix ms at which the change was seen. */
  readonly ts: number;
  readonly origin: string;
  /** Unix ms. */
  readonly expireAt: number | undefined;
}

const OPS: ReadonlySet<string> = new Set<KeyOp>(['set', 'del', 'expired', 'evicted', 'flushed']);
const isOp = (text: string): text is KeyOp => OPS.has(text);

/** @throws KF_RECORD_UNREADABLE that names the header: absent, malformed, or of a version that is not known here. */
export const readKeyRecordHeaders = (headers: Headers): KeyRecordHeaders => {
  const version = textOf(headers, HEADER.version);
  if (version !== RECORD_VERSION) {
    throw unreadable(HEADER.version, `names record version ${version}; this Keyferry reads ${RECORD_VERSION}`);
  }
  const op = textOf(headers, HEADER.op);
  if (!isOp(op)) throw unreadable(HEADER.op, `is none of ${[...OPS].join(', ')}`);
  return {
    op,
    redisType: textOf(headers, HEADER.type),
    db: numberOf(headers, HEADER.db),
    ts: numberOf(headers, HEADER.ts),
    origin: textOf(headers, HEADER.origin),
    expireAt: headers.has(HEADER.expireAt) ? numberOf(headers, HEADER.expireAt) : undefined,
  };
};

const UNKNOWN_TYPE = 'unknown';

/**
 * The part of the headers that the state store keeps. A record that is not one of ours is no error here: its fingerprint
 * equals no state's, so that the key is published again.
 */
export const publishedHeaders = (
  headers: Headers,
): { readonly redisType: string; readonly expireAt: number | undefined } => {
  const expireAt = Number(headers.get(HEADER.expireAt)?.toString('latin1'));
  return {
    redisType: headers.get(HEADER.type)?.toString('utf8') ?? UNKNOWN_TYPE,
    expireAt: Number.isSafeInteger(expireAt) ? expireAt : undefined,
  };
};

/** The database that a record is of; undefined where it does not say so. */
export const databaseOf = (headers: Headers): number | undefined => {
  const db = headers.get(HEADER.db)?.toString('latin1');
  return db === undefined ? undefined : Number(db);
};

const textOf = (headers: Headers, name: string): string => {
  const bytes = headers.get(name);
  if (bytes === undefined) throw unreadable(name, 'is missing');
  return bytes.toString('utf8');
};

const numberOf = (headers: Headers, name: string): number => {
  const text = textOf(headers, name);
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(value)) throw unreadable(name, 'is not a whole number');
  return value;
};

const unreadable = (name: string, what: string): KeyferryError =>
  new KeyferryError('KF_RECORD_UNREADABLE', `header ${name} ${what}`);
