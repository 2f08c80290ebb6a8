/**
 * Every error that a user may meet: a stable code, and what the operator can do about it. `docs/errors.md` is generated
 * from this file (npm run docs:errors).
 */
export const ERROR_CODES = {
  KF_CONFIG_INVALID:
    'The configuration is unusable. The message names the key and the file: correct it and start again.',
  KF_USAGE: 'The command line is unusable. See `keyferry --help`.',
  KF_REDIS_UNAVAILABLE:
    'Redis cannot be reached. Keyferry goes on trying: check the address, the network and the server.',
  KF_REDIS_AUTH: 'Redis refused the user or password. Correct redis.url, or the secret that it reads.',
  KF_REDIS_PERMISSION:
    'The Redis user lacks a permission. Grant what the message names, or `keyferry check` (ACL SETUSER; docs/operations.md).',
  KF_REDIS_NOTIFICATIONS_OFF:
    'Redis sends no key-event notifications. Set notify-keyspace-events to at least AE, or `notifications: manage`.',
  KF_REDIS_NO_NOTIFICATIONS:
    'The server is no Redis that tells of every write. Mirror a Redis or Valkey; sinks, streams and lists may work.',
  KF_REDIS_REFUSED: 'Redis refused a command. The message holds its words.',
  KF_KAFKA_UNAVAILABLE: 'Kafka cannot be reached, or has no leader for a partition. Keyferry goes on trying.',
  KF_KAFKA_AUTH:
    'Kafka and Keyferry do not trust each other: wrong credentials, or a certificate. Correct kafka.sasl or kafka.tls.',
  KF_KAFKA_PERMISSION:
    'The Kafka user lacks a permission. Grant the operation that the message names (kafka-acls; docs/kafka-security.md).',
  KF_KAFKA_RECORD_TOO_LARGE:
    'A record exceeds the limit of the topic or broker. Raise max.message.bytes, or lower maxValueBytes.',
  KF_KAFKA_TOPIC_MISSING:
    'A topic does not exist and may not be created. Create it, or grant Create on it. A sink waits for its topics.',
  KF_KAFKA_REFUSED: 'Kafka refused a request. The message holds its words.',
  KF_RECORD_UNREADABLE:
    'A record is damaged, or not of the form that its sink expects. It went to the dead-letter topic, or the sink stopped.',
  KF_RECORD_OMITTED:
    'A value was too large to travel. Raise maxValueBytes at the source (`dump` ends at about 1.6 MB), or read it there.',
  KF_SINK_STOPPED:
    'A sink met a record that it cannot apply, and has no dead-letter topic. Configure deadLetter, or mend the record.',
  KF_RECORD_KEY_MISSING:
    'An entry lacks the field that recordKey names. It went to the dead-letter topic, or the source stopped.',
  KF_SOURCE_STOPPED:
    'A source met what cannot become a record, and has no dead-letter topic that takes it. Configure deadLetter.',
  KF_BUSY: 'Another action is under way that this one would get in the way of. Wait for its end, and ask again.',
  KF_STATE_STORE:
    'The state store cannot be used. Check the path, its permissions, the disk; if damaged, delete it: it is rebuilt.',
  KF_HTTP_LISTEN:
    'The HTTP server cannot listen. Free the address that the message names, or change http.host and http.port.',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export class KeyferryError extends Error {
  override readonly name = 'KeyferryError';
  readonly code: ErrorCode;

  /** @param message what is wrong, where, and what to do; never a secret, never a value. */
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** undefined: it is none of ours. */
export const codeOf = (error: unknown): ErrorCode | undefined =>
  error instanceof KeyferryError ? error.code : undefined;
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
export const isKeyferryError = (error: unknown, ...codes: ErrorCode[]): error is KeyferryError =>
  error instanceof KeyferryError && (codes.length === 0 || codes.includes(error.code));
