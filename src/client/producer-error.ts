/**
 * Why a request failed.
 *
 * - `REFUSED`: Redis or Keyferry says that it makes no sense, or is not served. The message holds the words.
 * - `UNAUTHORIZED`: the token is missing, wrong, or may only read.
 * - `UNAVAILABLE`: Keyferry, Redis or Kafka is out of reach; trying again later may help.
 * - `UNCONFIRMED`: written to Redis, and Kafka had not acknowledged it in time; always an `UnconfirmedError`.
 * - `TIMEOUT`: no answer within `timeoutMs`.
 * - `ORIGIN`: the origin that a key is read through from gave no usable answer.
 * - `PROTOCOL`: something answered that is no Keyferry.
 */
export type ProducerErrorCode =
  'REFUSED' | 'UNAUTHORIZED' | 'UNAVAILABLE' | 'UNCONFIRMED' | 'TIMEOUT' | 'ORIGIN' | 'PROTOCOL';

/**
 * Whether what was asked for has been done in Redis. `no`: it may be sent again. `unknown`: look, or send again only what
 * may be done twice. `yes`: it is done.
 */
export type Applied = 'yes' | 'no' | 'unknown';

/** A request to Keyferry that failed. */
export class ProducerError extends Error {
  override readonly name: string = 'ProducerError';
  readonly code: ProducerErrorCode;
  readonly applied: Applied;

  constructor(code: ProducerErrorCode, message: string, options: { applied: Applied; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.applied = options.applied;
  }
}

/**
 * The write is done in Redis, and Kafka had not acknowledged it when the time was up. Keyferry goes on publishing it: this
 * says that the confirmation is missing, not that the write failed.
 */
export class UnconfirmedError extends ProducerError {
  override readonly name = 'UnconfirmedError';
  /** What Redis answered: of a pipeline or transaction an array. */
  readonly result: unknown;

  constructor(message: string, result: unknown) {
    super('UNCONFIRMED', message, { applied: 'yes' });
    this.result = result;
  }
}

/** What Redis answered to one command of a pipeline or transaction that failed; it stands in the place of its result. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
