/** Why a request is not served, whatever it asks for. */
export type RefusalCode = 'unauthorized' | 'forbidden' | 'too_many_requests' | 'overloaded';

const STATUS: Record<RefusalCode, number> = {
  unauthorized: 401,
  forbidden: 403,
  too_many_requests: 429,
  overloaded: 503,
};

/** Each interface says it in its own form, with the status and the headers that stand here. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: RefusalCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.code = code;
    this.statusCode = STATUS[code];
    this.headers = headers;
  }
}

/** Seconds, as the header has them: never 0, which would say at once. */
export const retryAfter = (ms: number): Readonly<Record<string, string>> => ({
  'retry-after': String(Math.max(1, Math.ceil(ms / 1_000))),
});
