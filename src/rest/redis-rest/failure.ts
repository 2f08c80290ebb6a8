/** Begins the message, as Redis' own codes do. */
export type FailureCode =
  /** The request makes no sense, or asks for what is not served. */
  | 'ERR'
  | 'NOAUTH'
  | 'NOPERM'
  /** A transaction that Redis discarded. */
  | 'EXECABORT'
  /** Redis, or what waits for Kafka, has no room or is out of reach. */
  | 'UNAVAILABLE'
  /** Applied in Redis, not acknowledged by Kafka. */
  | 'UNCONFIRMED'
  /** The origin of a key that is read through. */
  | 'ORIGIN';

const STATUS: Record<FailureCode, number> = {
  ERR: 400,
  EXECABORT: 400,
  NOAUTH: 401,
  NOPERM: 403,
  UNAVAILABLE: 503,
  UNCONFIRMED: 504,
  ORIGIN: 502,
};

/** What is answered in place of a result, in words for whoever asked: it may name their keys, never a value. */
export class RestFailure extends Error {
  override readonly name = 'RestFailure';
  readonly status: number;

  constructor(code: FailureCode, message: string) {
    super(`${code} ${message}`);
    this.status = STATUS[code];
  }
}
