import { RECORD_VERSION } from '../core/key-record.ts';
import { STREAM_HEADER } from '../core/stream-record.ts';
import { type Unquote, objectOf, parseText, unquoteFor, unreadable, utf8Of } from './json-read.ts';
import { JsonWriter } from './json-writer.ts';

type Headers = ReadonlyMap<string, Buffer>;

/** One entry, as it is read from a stream and as a record tells of it. */
export interface StreamRecord {
  /** The stream's name. */
  readonly stream: Buffer;
  readonly id: string;
  /** Alternates field, value; a field may repeat. */
  readonly fields: readonly Buffer[];
  /** Unix ms at which the entry was read. */
  readonly ts: number;
  /** The id of the Redis deployment. */
  readonly origin: string;
}

const BASE64 = Buffer.from('base64');
const VERSION = Buffer.from(RECORD_VERSION);
const NO_BYTES = Buffer.alloc(0);

const writer = new JsonWriter();

/**
 * The value and headers of an entry's record. The value is a JSON object of the fields, in the order of the entry; a field
 * that repeats stands where it came first, with an array of its values. One byte string that is not UTF-8 turns all
 * of the value to base64: a header says so, because any member of the object may be a field.
 */
export const encodeStreamRecord = ({ stream, id, fields, ts, origin }: StreamRecord) => {
  const valuesOf = byName(fields);
  const text = encodeAs('text', valuesOf);
  const headers = new Map<string, Buffer>([
    [STREAM_HEADER.stream, stream],
    [STREAM_HEADER.id, Buffer.from(id, 'latin1')],
    [STREAM_HEADER.ts, Buffer.from(String(ts), 'latin1')],
    [STREAM_HEADER.origin, Buffer.from(origin)],
    [STREAM_HEADER.version, VERSION],
  ]);
  if (text !== undefined) return { value: text, headers };
  headers.set(STREAM_HEADER.encoding, BASE64);
  return { value: encodeAs('base64', valuesOf) ?? NO_BYTES, headers };
};

/** The values of each field, by its name in latin1, in the order of the fields. */
const byName = (fields: readonly Buffer[]): ReadonlyMap<string, Buffer[]> => {
  const valuesOf = new Map<string, Buffer[]>();
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = (fields[at] ?? NO_BYTES).toString('latin1');
    const value = fields[at + 1] ?? NO_BYTES;
    const values = valuesOf.get(name);
    if (values === undefined) valuesOf.set(name, [value]);
    else values.push(value);
  }
  return valuesOf;
};

/** undefined: some byte string is no text. */
const encodeAs = (encoding: 'text' | 'base64', valuesOf: ReadonlyMap<string, Buffer[]>): Buffer | undefined => {
  writer.begin(encoding);
  let separator = '{';
  for (const [name, values] of valuesOf) {
    writer.raw(separator);
    writer.string(Buffer.from(name, 'latin1'));
    writer.raw(values.length > 1 ? ':[' : ':');
    values.forEach((value, at) => {
      if (at > 0) writer.raw(',');
      writer.string(value);
    });
    if (values.length > 1) writer.raw(']');
    separator = ',';
  }
  writer.raw(valuesOf.size === 0 ? '{}' : '}');
  return writer.end();
};

/**
 * The entry that a record tells of. Values of a repeated field come one after another; fields that look like integers
 * come first, as in any parsed object.
 * @throws KF_RECORD_UNREADABLE with what is wrong, and never with a value.
 */
export const decodeStreamRecord = (value: Buffer, headers: Headers): StreamRecord => {
  const version = textOf(headers, STREAM_HEADER.version);
  if (version !== RECORD_VERSION) {
    throw unreadable(`header ${STREAM_HEADER.version} names version ${version}; this Keyferry reads ${RECORD_VERSION}`);
  }
  const unquote = unquoteFor(headers.get(STREAM_HEADER.encoding)?.toString('latin1'));
  const members = Object.entries(objectOf(parseText(utf8Of(value)), 'the record'));
  const ts = textOf(headers, STREAM_HEADER.ts);
  if (!/^\d{1,15}$/.test(ts)) throw unreadable(`header ${STREAM_HEADER.ts} is not a whole number`);
  return {
    stream: bytesOf(headers, STREAM_HEADER.stream),
    id: textOf(headers, STREAM_HEADER.id),
    fields: members.flatMap(([name, given]) => fieldsOf(name, given, unquote)),
    ts: Number(ts),
    origin: textOf(headers, STREAM_HEADER.origin),
  };
};

const fieldsOf = (name: string, given: unknown, unquote: Unquote): readonly Buffer[] => {
  const values: readonly unknown[] = Array.isArray(given) ? given : [given];
  const field = unquote(name, 'the name of a field');
  return values.flatMap((value) => [field, unquote(value, 'the value of a field')]);
};

const bytesOf = (headers: Headers, name: string): Buffer => {
  const bytes = headers.get(name);
  if (bytes === undefined) throw unreadable(`header ${name} is missing`);
  return bytes;
};

const textOf = (headers: Headers, name: string): string => bytesOf(headers, name).toString('utf8');
