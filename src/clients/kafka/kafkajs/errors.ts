import type { ErrorCode, KeyferryError } from '../../../core/errors.ts';
import type { Ask } from '../asks.ts';
import { brokerErrorCode, networkErrorCode, toKeyferryError } from '../kafka-errors.ts';

/** What kafkajs hangs on its errors; any of it may be absent on a foreign one. */
interface LibraryError extends Error {
  /** A Node code, or a Kafka number. */
  readonly code?: unknown;
  /** Kafka's name of a broker's error. */
  readonly type?: unknown;
  readonly retriable?: unknown;
}

const NAMES: Readonly<Record<string, ErrorCode>> = {
  KafkaJSSASLAuthenticationError: 'KF_KAFKA_AUTH',
  KafkaJSGroupCoordinatorNotFound: 'KF_KAFKA_UNAVAILABLE',
  KafkaJSLockTimeout: 'KF_KAFKA_UNAVAILABLE',
  KafkaJSTimeout: 'KF_KAFKA_UNAVAILABLE',
};

const codeOf = (error: LibraryError): ErrorCode | undefined => {
  if (typeof error.type === 'string') return brokerErrorCode(error.type, error.retriable === true);
  const code = typeof error.code === 'string' ? networkErrorCode(error.code) : undefined;
  // A wrapper's `retriable` says whether the library gave up, not whether it may pass: its cause decides.
  const transient = error.retriable === true && error.cause === undefined ? 'KF_KAFKA_UNAVAILABLE' : undefined;
  return code ?? NAMES[error.name] ?? transient;
};

const nameOf = ({ type }: LibraryError): string | undefined => (typeof type === 'string' ? type : undefined);

/** @param ask what failed. */
export const fromKafkajs = (thrown: unknown, ask: Ask): KeyferryError =>
  toKeyferryError(thrown, ask, { codeOf, nameOf });

/** Kafka's names of the broker errors in a failure. */
export const brokerErrorsIn = (thrown: unknown): readonly string[] => {
  if (!(thrown instanceof Error)) return [];
  const { type, cause } = thrown as LibraryError;
  return [...(typeof type === 'string' ? [type] : []), ...brokerErrorsIn(cause)];
};
