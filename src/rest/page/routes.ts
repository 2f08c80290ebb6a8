import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Asset, createAsset, readAssets } from './assets.ts';
import { explanationsPage } from './explanations.ts';

/**
 * Scripts, styles and requests of this origin only, nothing inline, no framing. Trusted Types: what comes from Redis can
 * never become markup, since the page has no way left to make markup from text.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // Asked again each time, and answered with 304: after an update no browser mixes old files with new ones.
  'cache-control': 'no-cache',
} as const;

/**
 * The page holds no data, so it needs no token, and no limit: what it shows, it asks the API for, with the token that it
 * is given.
 */
const OPEN = { config: { scope: 'open', unlimited: true } } as const;

/** The status page: `/`, its files below `/page/`, and the explanations of all error codes at `/page/errors`. */
export const addPage = (server: FastifyInstance): void => {
  const assets = readAssets();
  const page = named(assets, 'index.html');
  const template = named(assets, 'errors.html');
  const explanations = createAsset(template.type, Buffer.from(explanationsPage(template.body.toString())));
  server.get('/', OPEN, (request, reply) => send(request, reply, page));
  server.get('/page/errors', OPEN, (request, reply) => send(request, reply, explanations));
  server.get<{ Params: { file: string } }>('/page/:file', OPEN, (request, reply) => {
    const asset = assets.get(request.params.file);
    if (asset !== undefined) return send(request, reply, asset);
    reply.callNotFound();
    return reply;
  });
};

/** What who asks may do, so that the page offers nobody what will be refused. */
export const addAccessRoute = (api: FastifyInstance): void => {
  const schema = { operationId: 'access', summary: 'What the token that was sent may do: `admin` or `read`' };
  api.get('/access', { config: { scope: 'read' }, schema }, ({ access }) => ({ access }));
};

const named = (assets: ReadonlyMap<string, Asset>, name: string): Asset => {
  const asset = assets.get(name);
  if (asset === undefined) throw new Error(`the status page lacks its file ${name}`);
  return asset;
};

const send = (request: FastifyRequest, reply: FastifyReply, { type, body, etag }: Asset): FastifyReply => {
  void reply.headers({ ...HEADERS, etag });
  if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  return reply.type(type).send(body);
};
