import type { Place } from '../core/place.ts';
import {
  type Applied,
  CommandError,
  ProducerError,
  type ProducerErrorCode,
  UnconfirmedError,
} from './producer-error.ts';

/** What Redis answered, strings as text. Integers beyond 2^53 are strings of digits. */
export type TextReply = string | number | null | CommandError | readonly TextReply[];
/** What Redis answered, strings as their bytes. */
export type BytesReply = Buffer | number | null | CommandError | readonly BytesReply[];

/** Where Kafka has the state of a key that was written. */
export interface WrittenRecord {
  readonly key: Buffer;
  /** The key as UTF-8 text. */
  readonly keyText: string;
  /** undefined: Kafka had this state before, at a place that is not known. */
  readonly place: Place | undefined;
}

/** What came back over HTTP. */
export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** What a write brought. */
export interface Written<Result> {
  readonly result: Result;
  /** Where Kafka has each written key, in the order of the command; empty where nobody asked to wait for Kafka. */
  readonly records: readonly WrittenRecord[];
  /** Further keys that Kafka has too, whose places found no room in the answer. */
  readonly recordsLeftOut: number;
}

/** Whether strings of a reply are wanted as text, or as their bytes. */
export type Strings = 'text' | 'bytes';

/**
 * Its result is a TextReply or BytesReply, whichever was wanted; of a pipeline an array of them.
 * @throws ProducerError, UnconfirmedError
 */
export const readAnswer = (answer: RestAnswer, strings: Strings): Written<unknown> => {
  const json = jsonOf(answer);
  const isBase64 = answer.headers.get('upstash-encoding') === 'base64';
  const string = (text: string): string | Buffer => {
    const bytes = Buffer.from(text, isBase64 && text !== OK_UNENCODED ? 'base64' : 'utf8');
    return strings === 'bytes' ? bytes : bytes.toString('utf8');
  };
  const resultOf = (value: unknown): unknown =>
    Array.isArray(value) ? value.map((each: unknown) => elementOf(each, string)) : elementOf(value, string);
  const { error, applied } = json as Envelope;
  if (error !== undefined) {
    // Other parts of the daemon, and other servers, give objects.
    if (typeof error !== 'string') throw unknown(answer);
    throw applied === undefined ? failure(answer.status, error) : new UnconfirmedError(error, resultOf(applied));
  }
  if (answer.status !== 200) throw unknown(answer);
  const records = answer.headers.get('keyferry-records') ?? '';
  return {
    result: resultOf(json),
    records: records === '' ? [] : records.split(', ').map(recordOf),
    recordsLeftOut: Number(answer.headers.get('keyferry-records-left-out') ?? 0),
  };
};

/** Of a single answer, and of each command in a pipeline or transaction. */
interface Envelope {
  readonly result?: unknown;
  readonly error?: unknown;
  /** With an error: what was done all the same. */
  readonly applied?: unknown;
}

/** The protocol writes it without base64, which it could not be. */
const OK_UNENCODED = 'OK';

type ReadString = (text: string) => string | Buffer;

const elementOf = (element: unknown, string: ReadString): unknown => {
  const { result, error } = element as Envelope;
  return typeof error === 'string' ? new CommandError(error) : valueOf(result, string);
};

const valueOf = (value: unknown, string: ReadString): unknown => {
  if (typeof value === 'string') return string(value);
  if (Array.isArray(value)) return value.map((each: unknown) => valueOf(each, string));
  // An error inside a reply: of a script, or of a command that EXEC ran.
  if (typeof value === 'object' && value !== null && 'error' in value) return new CommandError(String(value.error));
  return value ?? null;
};

const jsonOf = (answer: RestAnswer): object => {
  try {
    const json: unknown = JSON.parse(answer.body);
    if (typeof json === 'object' && json !== null) return json;
  } catch {
    // Said below.
  }
  throw unknown(answer);
};

/** A proxy in between, or something else altogether. */
const unknown = ({ status }: RestAnswer): ProducerError =>
  status >= 500
    ? new ProducerError('UNAVAILABLE', `the server answered ${status}`, { applied: 'unknown' })
    : new ProducerError('PROTOCOL', `the server answered ${status}, and not as Keyferry does`, { applied: 'unknown' });

const CODES: ReadonlyMap<string, ProducerErrorCode> = new Map([
  ['NOAUTH', 'UNAUTHORIZED'],
  ['NOPERM', 'UNAUTHORIZED'],
  ['UNAVAILABLE', 'UNAVAILABLE'],
  ['ORIGIN', 'ORIGIN'],
]);

/** The server's own words, where it knows that it has done nothing. */
const NOTHING_DONE = /nothing was (sent|run|written)/;

const failure = (status: number, message: string): ProducerError => {
  const [word = ''] = message.split(' ', 1);
  const code = CODES.get(word) ?? (status >= 500 ? 'UNAVAILABLE' : 'REFUSED');
  const mayBeDone = code === 'UNAVAILABLE' && !NOTHING_DONE.test(message);
  const applied: Applied = mayBeDone ? 'unknown' : 'no';
  return new ProducerError(code, message, { applied });
};

/** `redis.0/3@1234;key=user%3A42`, or `acknowledged;key=user%3A42`. */
const recordOf = (item: string): WrittenRecord => {
  const [, topic, partition, offset, encoded = ''] =
    /^(?:acknowledged|([^/]+)\/(\d+)@(\d+));key=(.*)$/.exec(item) ?? [];
  const key = percentDecoded(encoded);
  const place = topic === undefined ? undefined : { topic, partition: Number(partition), offset: BigInt(offset ?? 0) };
  return { key, keyText: key.toString('utf8'), place };
};

const percentDecoded = (text: string): Buffer =>
  Buffer.from(
    text.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
