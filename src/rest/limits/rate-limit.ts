import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../core/clock.ts';
import { Refusal, retryAfter } from '../refusal.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * A probe: whoever asks whether we live must not be told that somebody else asks too often. Or a file of the page, which
     * is many of them, and tells nothing.
     */
    readonly unlimited?: boolean;
  }
}

/** Addresses that are remembered; who was not seen for longest is forgotten, and starts anew. */
const MAX_CLIENTS = 10_000;
/** What may come at once: the requests of this time. */
const BURST_MS = 1_000;

export interface RateLimitOptions {
  /** Requests of each client. */
  readonly perSecond: number;
  readonly clock: Clock;
}

/**
 * Requests per client. All that is kept of a client is when the requests that it made would have been due, had they come
 * evenly: it may be ahead of that by a burst.
 */
export class RateLimit {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #dueMs = new Map<string, number>();

  constructor({ perSecond, clock }: RateLimitOptions) {
    this.#clock = clock;
    this.#intervalMs = 1_000 / perSecond;
  }

  /** Counts a request. @returns 0 where it may pass; else how long to wait, in milliseconds: it is not counted then. */
  take(address: string): number {
    const client = clientOf(address);
    const now = this.#clock.monotonic();
    const dueMs = Math.max(this.#dueMs.get(client) ?? 0, now) + this.#intervalMs;
    const excessMs = dueMs - now - Math.max(BURST_MS, this.#intervalMs);
    if (excessMs > 0) return excessMs;
    this.#dueMs.delete(client);
    this.#dueMs.set(client, dueMs);
    if (this.#dueMs.size > MAX_CLIENTS) this.#forgetOldest();
    return 0;
  }

  #forgetOldest(): void {
    for (const client of this.#dueMs.keys()) {
      this.#dueMs.delete(client);
      return;
    }
  }
}

/** An IPv4 address; of an IPv6 address the network, as whoever has one address there has 2^64. */
const clientOf = (address: string): string => {
  if (!address.includes(':')) return address;
  const mapped = /^::ffff:(\d+(?:\.\d+){3})$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? 0 : tail.split(':').length;
  const zeros = tail === undefined ? 0 : 8 - groups.length - after;
  return [...groups, ...Array.from({ length: zeros }, () => '0')].slice(0, 4).join(':');
};

/** Comes before the token is looked at: who guesses tokens is held up too. */
export const addRateLimit = (server: FastifyInstance, options: RateLimitOptions): void => {
  const limit = new RateLimit(options);
  server.addHook('onRequest', (request, _reply, next) => {
    const waitMs = request.routeOptions.config.unlimited === true ? 0 : limit.take(request.ip);
    if (waitMs === 0) next();
    else next(new Refusal('too_many_requests', 'too many requests come from this address', retryAfter(waitMs)));
  });
};
