import type { ErrorCode, KeyferryError } from '../../../core/errors.ts';
import type { Ask } from '../asks.ts';
import { brokerErrorCode, everyError, networkErrorCode, toKeyferryError } from '../kafka-errors.ts';

/** What @platformatic/kafka hangs on its errors; any of it may be absent on a foreign one. */
interface LibraryError extends Error {
  readonly code?: unknown;
  /** Kafka's name of a broker's error. */
  readonly apiId?: unknown;
  readonly canRetry?: unknown;
  readonly memberId?: unknown;
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  PLT_KFK_NETWORK: 'KF_KAFKA_UNAVAILABLE',
  PLT_KFK_TIMEOUT: 'KF_KAFKA_UNAVAILABLE',
  PLT_KFK_UNEXPECTED_CORRELATION_ID: 'KF_KAFKA_UNAVAILABLE',
};

/** The library tells these apart by their words alone. */
const WORDS: readonly (readonly [RegExp, ErrorCode])[] = [
  [/^Unknown topic /, 'KF_KAFKA_TOPIC_MISSING'],
  [/requires TLS/, 'KF_KAFKA_AUTH'],
  [/^Client closed while retrying/, 'KF_KAFKA_UNAVAILABLE'],
];

const codeOf = (error: LibraryError): ErrorCode | undefined => {
  if (typeof error.apiId === 'string') return brokerErrorCode(error.apiId, error.canRetry === true);
  const worded = WORDS.find(([words]) => words.test(error.message))?.[1];
  if (worded !== undefined) return worded;
  // The library puts a lost connection into one as well: its cause decides.
  if (error.code === 'PLT_KFK_AUTHENTICATION') return error.cause === undefined ? 'KF_KAFKA_AUTH' : undefined;
  return typeof error.code === 'string' ? (CODES[error.code] ?? networkErrorCode(error.code)) : undefined;
};

const nameOf = ({ apiId }: LibraryError): string | undefined => (typeof apiId === 'string' ? apiId : undefined);

/** @param ask what failed. */
export const fromPlatformatic = (thrown: unknown, ask: Ask): KeyferryError =>
  toKeyferryError(thrown, ask, { codeOf, nameOf });

/** What a coordinator says about our membership: the id to join with, '' for a new one; undefined: nothing. */
export const memberIdIn = (thrown: unknown): string | undefined => {
  for (const error of everyError(thrown) as Iterable<LibraryError>) {
    if (error.apiId === 'UNKNOWN_MEMBER_ID') return '';
    if (error.apiId === 'MEMBER_ID_REQUIRED' && typeof error.memberId === 'string') return error.memberId;
  }
  return undefined;
};

/** @param names Kafka's own, any of which will do */
export const isBrokerError = (thrown: unknown, ...names: readonly string[]): boolean =>
  [...everyError(thrown)].some(({ apiId }: LibraryError) => typeof apiId === 'string' && names.includes(apiId));

/** A broker has answered that it cannot serve this now: it does not lead (yet, or any more), is starting, or is busy. */
export const isPassing = (thrown: unknown): boolean =>
  [...everyError(thrown)].some(
    (error: LibraryError) => typeof error.apiId === 'string' && codeOf(error) === 'KF_KAFKA_UNAVAILABLE',
  );

/** The coordinator has ended the generation: the member must join again. */
export const endsGeneration = (thrown: unknown): boolean =>
  isBrokerError(thrown, 'REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID');
