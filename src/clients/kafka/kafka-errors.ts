import { KeyferryError, messageOf, type ErrorCode } from '../../core/errors.ts';
import { missing, type Ask } from './asks.ts';
import { explainTls, isTlsError } from './tls-errors.ts';

/** What a broker's error means to us, by Kafka's own name for it. Others: transient where Kafka says so, else refused. */
const BROKER_ERRORS: Readonly<Record<string, ErrorCode>> = {
  MESSAGE_TOO_LARGE: 'KF_KAFKA_RECORD_TOO_LARGE',
  RECORD_LIST_TOO_LARGE: 'KF_KAFKA_RECORD_TOO_LARGE',
  UNKNOWN_TOPIC_OR_PARTITION: 'KF_KAFKA_TOPIC_MISSING',
  UNKNOWN_TOPIC_ID: 'KF_KAFKA_TOPIC_MISSING',
  SASL_AUTHENTICATION_FAILED: 'KF_KAFKA_AUTH',
  UNSUPPORTED_SASL_MECHANISM: 'KF_KAFKA_AUTH',
  // A session was renewed twice within a second, as may be when its token is about to expire: a new connection will do.
  ILLEGAL_SASL_STATE: 'KF_KAFKA_UNAVAILABLE',
  TOPIC_AUTHORIZATION_FAILED: 'KF_KAFKA_PERMISSION',
  GROUP_AUTHORIZATION_FAILED: 'KF_KAFKA_PERMISSION',
  CLUSTER_AUTHORIZATION_FAILED: 'KF_KAFKA_PERMISSION',
  // The producer's state was lost on one side: a new producer id is all it takes.
  OUT_OF_ORDER_SEQUENCE_NUMBER: 'KF_KAFKA_UNAVAILABLE',
  UNKNOWN_PRODUCER_ID: 'KF_KAFKA_UNAVAILABLE',
  INVALID_PRODUCER_EPOCH: 'KF_KAFKA_UNAVAILABLE',
  PRODUCER_FENCED: 'KF_KAFKA_UNAVAILABLE',
  // Group membership: joining again is all it takes.
  REBALANCE_IN_PROGRESS: 'KF_KAFKA_UNAVAILABLE',
  ILLEGAL_GENERATION: 'KF_KAFKA_UNAVAILABLE',
  UNKNOWN_MEMBER_ID: 'KF_KAFKA_UNAVAILABLE',
  MEMBER_ID_REQUIRED: 'KF_KAFKA_UNAVAILABLE',
  BROKER_NOT_AVAILABLE: 'KF_KAFKA_UNAVAILABLE',
  FENCED_LEADER_EPOCH: 'KF_KAFKA_UNAVAILABLE',
  STALE_CONTROLLER_EPOCH: 'KF_KAFKA_UNAVAILABLE',
};

export const brokerErrorCode = (name: string, retriable: boolean): ErrorCode =>
  BROKER_ERRORS[name] ?? (retriable ? 'KF_KAFKA_UNAVAILABLE' : 'KF_KAFKA_REFUSED');

/** Failures of the network, by Node's code; TLS failures among them are a matter of configuration. */
export const networkErrorCode = (code: string): ErrorCode | undefined => {
  if (isTlsError(code)) return 'KF_KAFKA_AUTH';
  if (/^(E[A-Z0-9]+|UND_ERR.*)$/.test(code)) return 'KF_KAFKA_UNAVAILABLE';
  return undefined;
};

/** One failure often arrives as many (a cause chain, one per broker or attempt): the first of these found decides. */
const DECISIVE: readonly ErrorCode[] = [
  'KF_KAFKA_RECORD_TOO_LARGE',
  'KF_KAFKA_AUTH',
  'KF_KAFKA_PERMISSION',
  'KF_KAFKA_UNAVAILABLE',
  'KF_KAFKA_TOPIC_MISSING',
];

/** How to read the errors of a client library. Each is asked of one error by itself, without its causes. */
export interface ErrorReader {
  readonly codeOf: (error: Error) => ErrorCode | undefined;
  /** Kafka's name of a broker's error. */
  readonly nameOf: (error: Error) => string | undefined;
}

/** Total: whatever was thrown becomes a KeyferryError. */
export const toKeyferryError = (thrown: unknown, ask: Ask, { codeOf, nameOf }: ErrorReader): KeyferryError => {
  if (thrown instanceof KeyferryError) return thrown;
  const errors = [...everyError(thrown)];
  const codeOfAny = (error: Error): ErrorCode | undefined =>
    error instanceof KeyferryError ? error.code : codeOf(error);
  const code = DECISIVE.find((each) => errors.some((error) => codeOfAny(error) === each)) ?? 'KF_KAFKA_REFUSED';
  const decisive = errors.filter((error) => codeOfAny(error) === code);
  return new KeyferryError(code, `${ask.doing}: ${wordsOf(thrown, decisive, ask, nameOf)}`, { cause: thrown });
};

const wordsOf = (thrown: unknown, decisive: readonly Error[], ask: Ask, nameOf: ErrorReader['nameOf']): string => {
  const ours = decisive.find((error) => error instanceof KeyferryError);
  if (ours !== undefined) return ours.message;
  const names = decisive.flatMap((error) => nameOf(error) ?? []);
  const refusal = names.find((name) => BROKER_ERRORS[name] === 'KF_KAFKA_PERMISSION');
  const explained = decisive.flatMap((error) => explainTls(error) ?? []).at(-1);
  return refusal === undefined ? (explained ?? innermostMessage(thrown)) : missing(ask, refusal);
};

/** What a broker's answer says about one partition, in Kafka's word. */
export const partitionError = (
  { topic, partition }: { readonly topic: string; readonly partition: number },
  { name, code }: { readonly name: string; readonly code: ErrorCode },
  ask: Ask,
): KeyferryError => {
  const what = code === 'KF_KAFKA_PERMISSION' ? missing(ask, name) : name;
  return new KeyferryError(code, `partition ${partition} of ${topic}: ${what}`);
};

const nextErrors = (error: Error): unknown[] => [
  ...('errors' in error && Array.isArray(error.errors) ? (error.errors as unknown[]) : []),
  ...(error.cause === undefined ? [] : [error.cause]),
];

/** An error, its causes, and those that it bundles, outermost first. */
export function* everyError(thrown: unknown): Generator<Error> {
  if (!(thrown instanceof Error)) return;
  yield thrown;
  for (const next of nextErrors(thrown)) yield* everyError(next);
}

/** Wrappers say "failed 3 times": the words that help stand at the end of the chain. */
const innermostMessage = (thrown: unknown): string => {
  if (!(thrown instanceof Error)) return messageOf(thrown);
  const next = nextErrors(thrown).at(-1);
  return next === undefined ? saidBy(thrown) : innermostMessage(next);
};

/** What a broker does without a word to whom it does not understand; it may as well be about to end. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /^(Connection closed|Closed connection)$/,
    'the broker closed the connection: is it going away, or does it want SASL?',
  ],
  [/given the current SASL state/, 'the broker takes no login now: is another port the one for SASL?'],
  [/before secure TLS connection/, 'the broker closed the connection: is it going away, or is TLS not for this port?'],
];

/** A broker may say more than its error's fixed text does. */
const saidBy = (error: Error & { readonly serverErrorMessage?: unknown }): string => {
  const { serverErrorMessage, message, name } = error;
  if (typeof serverErrorMessage === 'string' && serverErrorMessage !== '') return serverErrorMessage;
  return HINTS.find(([words]) => words.test(message))?.[1] ?? (message || name);
};
