import type { Clock } from '../../../core/clock.ts';
import { KeyferryError, type ErrorCode, messageOf } from '../../../core/errors.ts';

export interface TokenSourceOptions {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: () => string;
  readonly scope?: string | undefined;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
}

interface Token {
  readonly text: string;
  /** Monotonic, ms. */
  readonly renewAt: number;
  readonly expiresAt: number;
}

const TIMEOUT_MS = 5_000;
/**
 * Of a token's life. Kafka ends a session with its token, and clients renew it at four fifths: by then there must be
 * another token, or the sessions of the old one get shorter and shorter.
 */
const RENEW_AFTER = 0.6;

/**
 * Tokens by the client credentials grant (RFC 6749, 4.4). One is shared by all connections until shortly before it
 * expires; while the server is away, it serves until it does.
 */
export class TokenSource {
  readonly #options: TokenSourceOptions;
  #token: Token | undefined;
  #asking: Promise<Token> | undefined;

  constructor(options: TokenSourceOptions) {
    this.#options = options;
  }

  /** @throws KF_KAFKA_UNAVAILABLE where the server may answer later, KF_KAFKA_AUTH where it refuses us */
  async token(): Promise<string> {
    const now = this.#options.clock.monotonic();
    if (this.#token !== undefined && now < this.#token.renewAt) return this.#token.text;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    try {
      this.#token = await this.#asking;
    } catch (error) {
      if (this.#token === undefined || now >= this.#token.expiresAt) throw error;
    }
    return this.#token.text;
  }

  /** The token was refused: the next connection gets another one. */
  forget(): void {
    this.#token = undefined;
  }

  async #ask(): Promise<Token> {
    const askedAt = this.#options.clock.monotonic();
    const { status, body } = await this.#post();
    const { access_token: text, expires_in: lifetimeS } = body;
    if (status !== 200 || typeof text !== 'string') throw this.#refusal(status, body);
    // Without a lifetime nobody knows how long it lasts: the next connection asks again.
    const lifetimeMs = Number(lifetimeS ?? 0) * 1_000 || 0;
    return { text, renewAt: askedAt + lifetimeMs * RENEW_AFTER, expiresAt: askedAt + lifetimeMs };
  }

  async #post(): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
    const { tokenUrl, clientId, clientSecret, scope, fetch } = this.#options;
    const credentials = [clientId, clientSecret()].map(encodeURIComponent).join(':');
    try {
      const answer = await fetch(tokenUrl, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}`, accept: 'application/json' },
        body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) }),
        // Whoever it points to is not whom we were told to give the secret to.
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { status: answer.status, body: asObject(await answer.text()) };
    } catch (error) {
      const why = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw this.#error('KF_KAFKA_UNAVAILABLE', `cannot be reached: ${messageOf(why)}`);
    }
  }

  /** The server's own words are its `error`, a fixed term; its description may quote what we sent. */
  #refusal(status: number, { error }: Readonly<Record<string, unknown>>): KeyferryError {
    if (status >= 500 || status === 429) return this.#error('KF_KAFKA_UNAVAILABLE', `answers ${status}`);
    if (status === 200) return this.#error('KF_KAFKA_AUTH', 'answers without an access_token: correct tokenUrl');
    const said = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? ` ${error}` : '';
    return this.#error('KF_KAFKA_AUTH', `refuses client ${this.#options.clientId}: ${status}${said}`);
  }

  #error(code: ErrorCode, what: string): KeyferryError {
    const { origin, pathname } = new URL(this.#options.tokenUrl);
    return new KeyferryError(code, `the token server ${origin}${pathname} ${what}`);
  }
}

const asObject = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
};
