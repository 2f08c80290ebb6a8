import { KeyferryError, messageOf, type ErrorCode } from '../../core/errors.ts';

/** What a broker's error means to us, by Kafka's own name for it. Others: transient where Kafka says so, else refused. */
const BROKER_ERRORS: Readonly<Record<string, ErrorCode>> = {
  MESSAGE_TOO_LARGE: 'KF_KAFKA_RECORD_TOO_LARGE',
  RECORD_LIST_TOO_LARGE: 'KF_KAFKA_RECORD_TOO_LARGE',
  UNKNOWN_TOPIC_OR_PARTITION: 'KF_KAFKA_TOPIC_MISSING',
  UNKNOWN_TOPIC_ID: 'KF_KAFKA_TOPIC_MISSING',
  SASL_AUTHENTICATION_FAILED: 'KF_KAFKA_AUTH',
  UNSUPPORTED_SASL_MECHANISM: 'KF_KAFKA_AUTH',
  ILLEGAL_SASL_STATE: 'KF_KAFKA_AUTH',
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
  if (/^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_SELF|SELF_SIGNED|UNABLE_TO_)/.test(code)) return 'KF_KAFKA_AUTH';
  if (/^(E[A-Z0-9]+|UND_ERR.*)$/.test(code)) return 'KF_KAFKA_UNAVAILABLE';
  return undefined;
};

/** One failure often arrives as many (a cause chain, one per broker or attempt): the first of these found decides. */
const DECISIVE: readonly ErrorCode[] = [
  'KF_KAFKA_RECORD_TOO_LARGE',
  'KF_KAFKA_AUTH',
  'KF_KAFKA_UNAVAILABLE',
  'KF_KAFKA_TOPIC_MISSING',
];

/** Total: whatever was thrown becomes a KeyferryError. `codeOf` says what one error of the library means by itself. */
export const toKeyferryError = (
  thrown: unknown,
  doing: string,
  codeOf: (error: Error) => ErrorCode | undefined,
): KeyferryError => {
  if (thrown instanceof KeyferryError) return thrown;
  const errors = [...everyError(thrown)];
  const codes = new Set(errors.map((error) => (error instanceof KeyferryError ? error.code : codeOf(error))));
  const code = DECISIVE.find((candidate) => codes.has(candidate)) ?? 'KF_KAFKA_REFUSED';
  return new KeyferryError(code, `${doing}: ${innermostMessage(thrown)}`, { cause: thrown });
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
  return next === undefined ? thrown.message || thrown.name : innermostMessage(next);
};
