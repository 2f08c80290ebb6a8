import type { ServerOptions, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/log.ts';

/** An answer may take a second more for each of these. */
const BYTES_PER_SECOND = 100_000;
const KEEP_ALIVE_MS = 5_000;
/** How exactly times are kept: as a part of them. */
const LOOKS = 10;

export interface SlowClientsOptions {
  /** How long a client may take to send a request, or to read a short answer. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Who sends nothing, a request too slowly, or nothing more, is cut off by the server itself. */
export const receiveLimits = ({ timeoutMs }: Pick<SlowClientsOptions, 'timeoutMs'>): ServerOptions => ({
  headersTimeout: timeoutMs,
  requestTimeout: timeoutMs,
  keepAliveTimeout: KEEP_ALIVE_MS,
  connectionsCheckingInterval: Math.ceil(timeoutMs / LOOKS),
});

/** Cuts off who does not read an answer: it would stay in memory for as long as the client likes. */
export const addAnswerDeadlines = (server: FastifyInstance, { timeoutMs, clock, logger }: SlowClientsOptions): void => {
  const underWay = new Map<ServerResponse, number>();
  server.addHook('onSend', (request, reply, payload, next) => {
    if (request.routeOptions.config.isEndless === true) {
      next(null, payload);
      return;
    }
    const seconds = bytesOf(payload) / BYTES_PER_SECOND;
    underWay.set(reply.raw, clock.monotonic() + timeoutMs + seconds * 1_000);
    next(null, payload);
  });
  server.addHook('onResponse', (_request, { raw }, next) => {
    underWay.delete(raw);
    next();
  });
  const stop = clock.every(Math.ceil(timeoutMs / LOOKS), () => {
    const now = clock.monotonic();
    for (const [raw, deadlineMs] of underWay) {
      if (raw.destroyed) underWay.delete(raw);
      else if (deadlineMs < now) {
        logger.debug({ status: raw.statusCode }, 'a client that does not read its answer is cut off');
        raw.destroy();
      }
    }
  });
  server.addHook('onClose', (_instance, done) => {
    stop();
    done();
  });
};

const bytesOf = (payload: unknown): number =>
  typeof payload === 'string' || Buffer.isBuffer(payload) ? Buffer.byteLength(payload) : 0;
