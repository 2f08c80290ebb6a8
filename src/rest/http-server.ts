import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { systemClock as clock } from '../core/clock.ts';
import { KeyferryError, messageOf } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { accessCheck, isLoopback } from './access.ts';
import type { RedisRest } from './redis-rest/redis-rest.ts';
import { addRedisRoutes, rewriteUrl } from './redis-rest/routes.ts';

interface Named {
  readonly name: string;
}

/** What /api/v1/status tells, as JSON; its sources and sinks can be asked for one by one. */
export interface Status {
  readonly sources: readonly Named[];
  readonly sinks: readonly Named[];
}

export interface HttpServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Bearer token that /api and /redis need; undefined: none. */
  readonly token: string | undefined;
  /** A second one, whose owner may only read; undefined: there is none. */
  readonly readOnlyToken?: string | undefined;
  /** Whether a host beyond loopback is accepted without a token. */
  readonly allowUnauthenticated: boolean;
  /** Why the daemon is not ready; empty: it is. */
  readonly health: () => readonly string[];
  readonly status: () => Status;
  /** undefined: /redis is not served. The server closes it. */
  readonly redisRest?: RedisRest | undefined;
  readonly metrics: { text(): Promise<string>; readonly contentType: string };
  readonly logger: Logger;
}

export interface HttpServer {
  /** Resolves with the port. @throws KF_HTTP_LISTEN */
  listen(): Promise<number>;
  /** Takes no new connections, closes idle ones, and waits 2 s at most for the requests under way to be answered. */
  close(): Promise<void>;
}

/** Who sends a request slowly, or none, is cut off. */
const LIMITS_MS = { requestTimeout: 10_000, keepAliveTimeout: 5_000 };

const CLOSE_WITHIN_MS = 2_000;

const failure = (reply: FastifyReply, status: number, code: string, message: string) =>
  reply.code(status).send({ error: { code, message } });

const addProbes = (server: FastifyInstance, { health, metrics }: HttpServerOptions): void => {
  // Whoever meets what only a new process can mend ends this one: to answer at all is to be alive.
  server.get('/livez', (_request, reply) => reply.type('text/plain').send('ok'));
  server.get('/readyz', (_request, reply) => {
    const reasons = health();
    return reply.code(reasons.length === 0 ? 200 : 503).send({ ready: reasons.length === 0, reasons });
  });
  server.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()));
};

const addStatus = (api: FastifyInstance, status: () => Status): void => {
  api.get('/status', () => status());
  for (const part of ['sources', 'sinks'] as const) {
    api.get(`/${part}`, () => status()[part]);
    api.get<{ Params: Named }>(`/${part}/:name`, ({ params: { name } }, reply) => {
      const found = status()[part].find((one) => one.name === name);
      return found ?? failure(reply, 404, 'not_found', `${part} has no "${name}"`);
    });
  }
};

/**
 * The daemon's HTTP side: probes and metrics are open, everything under /api needs the token where one is set.
 * @throws KF_CONFIG_INVALID where others can reach the host, no token protects it, and nobody said that this is wanted
 */
export const createHttpServer = (options: HttpServerOptions): HttpServer => {
  const { host, port, token, readOnlyToken, status, redisRest, logger } = options;
  if (token === undefined && !options.allowUnauthenticated && !isLoopback(host)) {
    throw new KeyferryError(
      'KF_CONFIG_INVALID',
      `http.host is ${host}, which others can reach, and no token protects it: ` +
        'listen on 127.0.0.1, or say so with http.allowUnauthenticated',
    );
  }
  const onError = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const code = (error as { statusCode?: number }).statusCode ?? 500;
    if (code < 500) return failure(reply, code, 'bad_request', messageOf(error));
    logger.error({ err: error, method: request.method, path: request.routeOptions.url }, 'an HTTP request failed');
    return failure(reply, 500, 'internal', 'The request failed; the log tells why.');
  };
  const server = Fastify({
    ...LIMITS_MS,
    logger: false,
    frameworkErrors: (...error) => void onError(...error),
    rewriteUrl,
  });
  server.setErrorHandler(onError);
  server.setNotFoundHandler((request, reply) =>
    failure(reply, 404, 'not_found', `${request.method} ${request.url.split('?')[0] ?? ''} does not exist`),
  );
  addProbes(server, options);
  const accessOf = accessCheck({ token, readOnlyToken }, host);
  if (redisRest !== undefined) {
    addRedisRoutes(server, { rest: redisRest, accessOf, logger });
    // Whoever waits for Kafka is answered before the server waits for who is not.
    server.addHook('preClose', () => redisRest.close());
  }
  void server.register(
    (api, _options, done) => {
      api.addHook('onRequest', (request, reply, next) => {
        if (accessOf(request.headers) !== 'none') next();
        else
          failure(reply.header('www-authenticate', 'Bearer'), 401, 'unauthorized', 'A valid bearer token is needed.');
      });
      addStatus(api, status);
      done();
    },
    { prefix: '/api/v1' },
  );

  return {
    listen: async () => {
      try {
        await server.listen({ host, port });
      } catch (error) {
        const { code } = error as { code?: string };
        const why = code === 'EADDRINUSE' ? 'another process listens there' : messageOf(error);
        throw new KeyferryError('KF_HTTP_LISTEN', `cannot listen on http.host ${host}, http.port ${port}: ${why}`, {
          cause: error,
        });
      }
      return (server.server.address() as AddressInfo).port;
    },
    close: async () => {
      const closed = server.close();
      const ended = new AbortController();
      // Node 24 does not count a connection as idle that never asked for anything.
      void clock.sleep(CLOSE_WITHIN_MS, ended.signal).then(() => {
        server.server.closeAllConnections();
      });
      await closed;
      ended.abort();
    },
  };
};
