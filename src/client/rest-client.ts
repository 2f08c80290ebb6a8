import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { ProducerError } from './producer-error.ts';
import type { RestAnswer, Strings } from './rest-answer.ts';
import type { RestRequest } from './rest-request.ts';

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 1_000;
/** The server is to say that Kafka is late before the time is up here: its answer says more than none. */
const ANSWER_MARGIN_MS = 500;

/** Failures that come before anything was sent. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

export interface SendOptions {
  /** Whether to wait until Kafka holds what is written. */
  readonly ack: 'kafka' | 'none';
  readonly strings: Strings;
  /** For all attempts together. */
  readonly timeoutMs: number;
  /** Whether it may be sent again although it may have been done. */
  readonly idempotent: boolean;
  readonly signal: AbortSignal | undefined;
}

export interface RestClientOptions {
  /** Of the daemon: `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly token: string | undefined;
  readonly clock: Clock;
}

/** Sends requests, and sends again what is known not to have been done. */
export class RestClient {
  readonly #options: RestClientOptions;

  constructor(options: RestClientOptions) {
    this.#options = { ...options, url: options.url.replace(/\/+$/, '') };
  }

  /**
   * @param read makes a result of the answer, or throws the ProducerError that it stands for.
   * @throws ProducerError; the signal's own reason where it aborted.
   */
  async send<Result>(
    request: RestRequest,
    options: SendOptions,
    read: (answer: RestAnswer) => Result,
  ): Promise<Result> {
    const { clock } = this.#options;
    const start = clock.monotonic();
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)) {
      options.signal?.throwIfAborted();
      const leftMs = (): number => options.timeoutMs - (clock.monotonic() - start);
      try {
        return read(await this.#attempt(request, options, leftMs()));
      } catch (error) {
        options.signal?.throwIfAborted();
        if (retryMs >= leftMs() || !mayTryAgain(error, options.idempotent)) throw error;
        await clock.sleep(retryMs, options.signal);
        // It may have been longer than that.
        if (leftMs() <= 0) throw error;
      }
    }
  }

  async #attempt({ path, body }: RestRequest, options: SendOptions, leftMs: number): Promise<RestAnswer> {
    const { url, clock } = this.#options;
    const answered = new AbortController();
    const expired = new AbortController();
    void clock.sleep(leftMs, answered.signal).then(() => {
      expired.abort();
    });
    const signals = options.signal === undefined ? [expired.signal] : [expired.signal, options.signal];
    try {
      const response = await fetch(url + path, {
        method: 'POST',
        headers: this.#headers(options, leftMs),
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.any(signals),
      });
      return { status: response.status, headers: response.headers, body: await response.text() };
    } catch (error) {
      if (expired.signal.aborted)
        throw new ProducerError('TIMEOUT', `no answer from ${url} within ${options.timeoutMs} ms`, {
          applied: 'unknown',
        });
      throw unreachable(url, error);
    } finally {
      answered.abort();
    }
  }

  #headers({ ack, strings }: SendOptions, leftMs: number): Record<string, string> {
    const { token } = this.#options;
    return {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(strings === 'bytes' ? { 'upstash-encoding': 'base64' } : {}),
      ...(ack === 'kafka'
        ? {
            'keyferry-ack': 'kafka',
            'keyferry-ack-timeout': String(Math.max(1, Math.floor(leftMs - ANSWER_MARGIN_MS))),
          }
        : {}),
    };
  }
}

const mayTryAgain = (error: unknown, idempotent: boolean): boolean =>
  error instanceof ProducerError && error.code === 'UNAVAILABLE' && (error.applied === 'no' || idempotent);

/** The platform's own message is `fetch failed`; the cause tells. */
const unreachable = (url: string, error: unknown): ProducerError => {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const { code = '' } = cause as { readonly code?: string };
  return new ProducerError('UNAVAILABLE', `${url} cannot be reached: ${code || messageOf(cause)}`, {
    applied: NOT_SENT.has(code) ? 'no' : 'unknown',
    cause: error,
  });
};
