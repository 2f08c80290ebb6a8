import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { Span } from '../../core/tracer.ts';
import { Refusal, type RefusalCode } from '../refusal.ts';
import { ackWishOf, recordsHeaders } from './acknowledgement.ts';
import { type FailureCode, RestFailure } from './failure.ts';
import { type RestCommand, parseCommand, parseCommands, parsePath } from './parse-request.ts';
import type { RedisRest, RestRequest, RestResult } from './redis-rest.ts';
import type { RestReply } from './reply.ts';
import { endRequest, startRequest } from './request-span.ts';
import { type Encoding, isText, renderError, renderResult } from './render-reply.ts';

const PREFIX = '/redis';
const BY_PATH = '/by-path';

/** Paths of commands, as they came: any bytes may stand in them, and the router takes only UTF-8. */
const commandPaths = new WeakMap<IncomingMessage, string>();

/** For fastify: the router sees one path for all commands in paths. */
export const rewriteUrl = (request: IncomingMessage): string => {
  const url = request.url ?? '/';
  if (!url.startsWith(`${PREFIX}/`) || /^\/redis\/((pipeline|multi-exec)\/?)?(\?|$)/.test(url)) return url;
  commandPaths.set(request, url.slice(PREFIX.length + 1));
  return PREFIX + BY_PATH;
};

export interface RedisRoutesOptions {
  readonly rest: RedisRest;
  readonly logger: Logger;
}

type Shape = RestRequest['shape'];
type Route = Shape | 'path';
type Parse = (request: FastifyRequest) => readonly RestCommand[];

/** The protocol of the npm package @upstash/redis: commands as JSON, as paths, many at once, as a transaction. */
export const addRedisRoutes = (server: FastifyInstance, options: RedisRoutesOptions): void => {
  void server.register(
    (scope, _options, done) => {
      addRules(scope, options);
      const { maxBodyBytes: bodyLimit } = options.rest.options;
      // Each command tells whether it needs more.
      const config = { scope: 'read' } as const;
      const handler = (route: Route, shape: Shape, parse: Parse) => (request: FastifyRequest, reply: FastifyReply) =>
        answer({ ...options, request, reply, route, shape, parse });
      scope.post(
        '/',
        { bodyLimit, config },
        handler('command', 'command', (request) => [parseCommand(bodyOf(request))]),
      );
      for (const shape of ['pipeline', 'multi-exec'] as const)
        scope.post(
          `/${shape}`,
          { bodyLimit, config },
          handler(shape, shape, (request) => parseCommands(bodyOf(request))),
        );
      scope.route({
        method: ['GET', 'POST', 'PUT'],
        url: BY_PATH,
        bodyLimit,
        config,
        handler: handler('path', 'command', (request) => [
          parsePath(commandPaths.get(request.raw) ?? '', request.body as Buffer | undefined),
        ]),
      });
      done();
    },
    { prefix: PREFIX },
  );
};

/** Whatever its type says, a body is bytes; errors are said in the words of the protocol. */
const addRules = (scope: FastifyInstance, { rest, logger }: RedisRoutesOptions): void => {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => {
    parsed(null, body);
  });
  scope.setNotFoundHandler((request, reply) => {
    rest.metrics.request('none', 404);
    return sendJson(reply.code(404), renderError(`ERR ${request.method} does not fit this path`));
  });
  scope.setErrorHandler((error, request, reply) => {
    const failure = error instanceof RestFailure ? error : otherFailure(error, logger);
    const { url = '' } = request.routeOptions;
    rest.metrics.request(url === PREFIX + BY_PATH ? 'path' : url.slice(PREFIX.length + 1) || 'command', failure.status);
    if (error instanceof Refusal) void reply.headers(error.headers);
    else if (failure.status === 401) void reply.header('www-authenticate', 'Bearer');
    return sendJson(reply.code(failure.status), renderError(failure.message));
  });
};

const REFUSED: Record<RefusalCode, FailureCode> = {
  unauthorized: 'NOAUTH',
  forbidden: 'NOPERM',
  too_many_requests: 'UNAVAILABLE',
  overloaded: 'UNAVAILABLE',
};

const otherFailure = (error: unknown, logger: Logger): { readonly status: number; readonly message: string } => {
  if (error instanceof Refusal) return { status: error.statusCode, message: `${REFUSED[error.code]} ${error.message}` };
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  if (status < 500) return { status, message: `ERR ${messageOf(error)}` };
  logger.error({ err: error }, 'a Redis REST request failed');
  return { status: 500, message: 'ERR the request failed; the log tells why' };
};

const bodyOf = ({ body }: FastifyRequest): Buffer => (Buffer.isBuffer(body) ? body : Buffer.alloc(0));

interface Exchange extends RedisRoutesOptions {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly route: Route;
  readonly shape: Shape;
  readonly parse: Parse;
}

const PLACE = { command: '', path: '/{command}', pipeline: '/pipeline', 'multi-exec': '/multi-exec' } as const;

const answer = async (exchange: Exchange): Promise<FastifyReply> => {
  const { rest, request, reply, route } = exchange;
  const span = startRequest(rest.tracer, request, `${PREFIX}${PLACE[route]}`);
  try {
    await answerWithin(exchange, span);
    endRequest(span, reply.statusCode);
    return await reply;
  } catch (error) {
    endRequest(span, error instanceof RestFailure ? error.status : 500);
    throw error;
  }
};

const answerWithin = async (
  { rest, request, reply, route, shape, parse }: Exchange,
  span: Span | undefined,
): Promise<FastifyReply> => {
  const result = await rest.execute({
    trace: span?.context,
    commands: parse(request),
    shape,
    access: request.access === 'admin' ? 'full' : 'read',
    ack: ackWishOf(request.headers, rest.options.ackTimeoutMs),
  });
  const isWished = request.headers['upstash-encoding'] === 'base64';
  const encoding = isWished || !result.replies.every(isText) ? 'base64' : 'text';
  if (encoding === 'base64') void reply.header('upstash-encoding', encoding);
  if (result.acknowledged.length > 0) void reply.headers(recordsHeaders(result.acknowledged));
  const { status, body } = render(result, shape, encoding);
  rest.metrics.request(route, status);
  rest.metrics.requestSeconds(result.kind, reply.elapsedTime / 1000);
  return sendJson(reply.code(status), body);
};

const UNCONFIRMED = new RestFailure(
  'UNCONFIRMED',
  'the write is applied in Redis, and Kafka has not acknowledged it in time; it will be on the topic once Kafka takes it',
);

const render = (
  { replies, isUnconfirmed }: RestResult,
  shape: Shape,
  encoding: Encoding,
): { readonly status: number; readonly body: string } => {
  const [first = null] = replies;
  const results =
    shape === 'command'
      ? renderResult(first, encoding)
      : `[${replies.map((each) => renderResult(each, encoding)).join(',')}]`;
  if (!isUnconfirmed) return { status: shape === 'command' && isError(first) ? 400 : 200, body: results };
  const error = JSON.stringify(UNCONFIRMED.message);
  return { status: UNCONFIRMED.status, body: `{"error":${error},"applied":${results}}` };
};

const isError = (reply: RestReply): boolean => reply instanceof Error;

const sendJson = (reply: FastifyReply, body: string): FastifyReply =>
  reply.type('application/json; charset=utf-8').send(body);
