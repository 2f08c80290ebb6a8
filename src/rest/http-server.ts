import { type RequestListener, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Clock } from '../core/clock.ts';
import { KeyferryError, messageOf } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { addAccess, assertProtected } from './access.ts';
import type { Admin } from './admin/admin.ts';
import { addOpenApi } from './admin/openapi.ts';
import { addAdminRoutes } from './admin/routes.ts';
import { addBodyBudget } from './limits/body-budget.ts';
import { addRateLimit } from './limits/rate-limit.ts';
import { addAnswerDeadlines, receiveLimits } from './limits/slow-clients.ts';
import { ChangeTail } from './live/change-tail.ts';
import { addEvents } from './live/events.ts';
import { addAccessRoute, addPage } from './page/routes.ts';
import { Refusal } from './refusal.ts';
import type { RedisRest } from './redis-rest/redis-rest.ts';
import { addRedisRoutes, rewriteUrl } from './redis-rest/routes.ts';
import { ServerCertificate, type ServerTls } from './server-certificate.ts';

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
  /** undefined: connections are not encrypted. */
  readonly tls?: ServerTls | undefined;
  /** Requests per second of one address; 0: as many as they like. */
  readonly rateLimit: number;
  /** Of all requests that are under way. */
  readonly maxBodyBytesInFlight: number;
  /** How long a client may take to send a request, or to read a short answer. */
  readonly clientTimeoutMs: number;
  /** Why the daemon is not ready; empty: it is. */
  readonly health: () => readonly string[];
  readonly status: () => Status | Promise<Status>;
  /** undefined: nothing passes of which it could be told. */
  readonly tail?: ChangeTail | undefined;
  /** undefined: nothing can be done over HTTP. */
  readonly admin?: Admin | undefined;
  readonly version: string;
  /** undefined: /redis is not served. The server closes it. */
  readonly redisRest?: RedisRest | undefined;
  readonly metrics: { text(): Promise<string>; readonly contentType: string };
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface HttpServer {
  /** Resolves with the port. @throws KF_HTTP_LISTEN */
  listen(): Promise<number>;
  /** Takes no new connections, closes idle ones, and waits 2 s at most for the requests under way to be answered. */
  close(): Promise<void>;
}

const CLOSE_WITHIN_MS = 2_000;
/** What /redis does not take is small. */
const BODY_LIMIT_BYTES = 65_536;

const failure = (reply: FastifyReply, status: number, code: string, message: string) =>
  reply.code(status).send({ error: { code, message } });

const addProbes = (server: FastifyInstance, { health, metrics }: HttpServerOptions): void => {
  const probe = { config: { scope: 'open', unlimited: true } } as const;
  // Whoever meets what only a new process can mend ends this one: to answer at all is to be alive.
  server.get('/livez', probe, (_request, reply) => reply.type('text/plain').send('ok'));
  server.get('/readyz', probe, (_request, reply) => {
    const reasons = health();
    return reply.code(reasons.length === 0 ? 200 : 503).send({ ready: reasons.length === 0, reasons });
  });
  server.get('/metrics', { config: { scope: 'open' } }, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
};

const addStatus = (api: FastifyInstance, status: HttpServerOptions['status']): void => {
  const reading = (operationId: string, summary: string) =>
    ({ config: { scope: 'read' }, schema: { operationId, summary } }) as const;
  api.get('/status', reading('status', 'How everything stands'), () => status());
  for (const part of ['sources', 'sinks'] as const) {
    const noun = part.slice(0, -1);
    api.get(`/${part}`, reading(part, `How the ${part} stand`), async () => (await status())[part]);
    const one = reading(noun, `How one ${noun} stands`);
    api.get<{ Params: Named }>(`/${part}/:name`, one, async ({ params: { name } }, reply) => {
      const found = (await status())[part].find((one) => one.name === name);
      return found ?? failure(reply, 404, 'not_found', `${part} has no "${name}"`);
    });
  }
};

const errorHandler = (logger: Logger) => (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
  if (error instanceof Refusal) {
    return failure(reply.headers(error.headers), error.statusCode, error.code, error.message);
  }
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  if (status < 500) return failure(reply, status, 'bad_request', messageOf(error));
  logger.error({ err: error, method: request.method, path: request.routeOptions.url }, 'an HTTP request failed');
  return failure(reply, 500, 'internal', 'The request failed; the log tells why.');
};

const createFastify = (options: HttpServerOptions, certificate: ServerCertificate | undefined): FastifyInstance => {
  const limits = receiveLimits({ timeoutMs: options.clientTimeoutMs });
  const onError = errorHandler(options.logger);
  const server = Fastify({
    // An https.Server has all that is used of an http.Server.
    serverFactory: (listener: RequestListener) =>
      certificate?.server(limits, listener) ?? createServer(limits, listener),
    bodyLimit: BODY_LIMIT_BYTES,
    // What a schema does not name is an error, and not silently passed over.
    ajv: { customOptions: { removeAdditional: false } },
    logger: false,
    frameworkErrors: (...error) => void onError(...error),
    rewriteUrl,
  });
  server.setErrorHandler(onError);
  server.setNotFoundHandler((request, reply) =>
    failure(reply, 404, 'not_found', `${request.method} ${request.url.split('?')[0] ?? ''} does not exist`),
  );
  return server;
};

/** In this order: hooks run in that of their routes' making, and those of a route that came before them not at all. */
const addProtection = (server: FastifyInstance, options: HttpServerOptions): void => {
  const { host, token, readOnlyToken, tls, rateLimit, maxBodyBytesInFlight, clientTimeoutMs, clock, logger } = options;
  if (rateLimit > 0) addRateLimit(server, { perSecond: rateLimit, clock });
  addAccess(server, { token, readOnlyToken, host, isSecure: tls !== undefined });
  addBodyBudget(server, maxBodyBytesInFlight);
  addAnswerDeadlines(server, { timeoutMs: clientTimeoutMs, clock, logger });
};

/**
 * The daemon's HTTP side: probes, metrics and the files of the page are open, everything else needs the token where one is set.
 * @throws KF_CONFIG_INVALID where others can reach the host, no token protects it, and nobody said that this is wanted
 */
export const createHttpServer = (options: HttpServerOptions): HttpServer => {
  const { token, host, allowUnauthenticated, status, admin, version, redisRest, tls, clock, logger } = options;
  const tail = options.tail ?? new ChangeTail({ clock, showValues: false });
  if (!allowUnauthenticated) assertProtected(host, token);
  const certificate = tls && new ServerCertificate(tls, { clock, logger });
  const server = createFastify(options, certificate);
  addProtection(server, options);
  addProbes(server, options);
  addPage(server);
  if (redisRest !== undefined) {
    addRedisRoutes(server, { rest: redisRest, logger });
    // Whoever waits for Kafka is answered before the server waits for who is not.
    server.addHook('preClose', () => redisRest.close());
  }
  void server.register(
    async (api) => {
      await addOpenApi(api, version);
      addStatus(api, status);
      addAccessRoute(api);
      addEvents(api, { ...options, tail, timeoutMs: options.clientTimeoutMs });
      if (admin !== undefined) addAdminRoutes(api, { admin, logger, hasToken: token !== undefined });
    },
    { prefix: '/api/v1' },
  );
  let stopWatching: (() => void) | undefined;
  return {
    listen: async () => {
      await certificate?.read();
      stopWatching = certificate?.watch();
      return listen(server, options);
    },
    close: async () => {
      stopWatching?.();
      await close(server, clock);
    },
  };
};

const listen = async (server: FastifyInstance, { host, port }: HttpServerOptions): Promise<number> => {
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
};

const close = async (server: FastifyInstance, clock: Clock): Promise<void> => {
  const closed = server.close();
  const ended = new AbortController();
  // Node 24 does not count a connection as idle that never asked for anything.
  void clock.sleep(CLOSE_WITHIN_MS, ended.signal).then(() => {
    server.server.closeAllConnections();
  });
  await closed;
  ended.abort();
};
