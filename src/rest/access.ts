import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { KeyferryError } from '../core/errors.ts';
import { Refusal } from './refusal.ts';

/** What who sent a request may do: everything, read, or nothing. */
export type Access = 'admin' | 'read' | 'none';

/** What a route asks of who uses it; `open`: nothing. */
export type Scope = 'open' | 'read' | 'admin';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Absent: admin, so that a route that says nothing is closed. */
    readonly scope?: Scope;
  }
  interface FastifyRequest {
    access: Access;
  }
}

export interface Tokens {
  /** undefined: who can reach the server may do everything. */
  readonly token: string | undefined;
  /** A second one, whose owner may only read. */
  readonly readOnlyToken: string | undefined;
}

export interface AccessOptions extends Tokens {
  /** On which the server listens. */
  readonly host: string;
  /** Whether it speaks TLS. */
  readonly isSecure: boolean;
}

/** Sees to it that each request may do what its route is for, and says at `request.access` what it may do. */
export const addAccess = (server: FastifyInstance, options: AccessOptions): void => {
  const accessOf = accessCheck(options);
  server.decorateRequest('access', 'none');
  server.addHook('onRequest', (request, _reply, next) => {
    const { scope = 'admin' } = request.routeOptions.config;
    if (request.is404 || scope === 'open') {
      next();
      return;
    }
    request.access = accessOf(request.headers);
    if (request.access === 'none')
      next(new Refusal('unauthorized', 'a valid bearer token is needed', { 'www-authenticate': 'Bearer' }));
    else if (scope === 'admin' && request.access === 'read')
      next(new Refusal('forbidden', 'the read-only token may not do this'));
    else next();
  });
};

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const isLoopback = (host: string): boolean =>
  host === 'localhost' || (isIP(host) !== 0 && loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4'));

/** @throws KF_CONFIG_INVALID where others can reach the host, and no token protects it. */
export const assertProtected = (host: string, token: string | undefined): void => {
  if (token !== undefined || isLoopback(host)) return;
  throw new KeyferryError(
    'KF_CONFIG_INVALID',
    `http.host is ${host}, which others can reach, and no token protects it: ` +
      'listen on 127.0.0.1, or say so with http.allowUnauthenticated',
  );
};

/** Compares digests, which have one length, in constant time: neither length nor content of a token leaks. */
const tokenCheck = (token: string | undefined): ((given: Buffer) => boolean) => {
  if (token === undefined) return () => false;
  const expected = digest(`Bearer ${token}`);
  return (given) => timingSafeEqual(given, expected);
};

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

const accessCheck = (options: AccessOptions): ((headers: IncomingHttpHeaders) => Access) => {
  const { token, readOnlyToken } = options;
  if (token === undefined && readOnlyToken === undefined)
    return (headers) => (isFromElsewhere(headers, options) ? 'none' : 'admin');
  const isAdmin = tokenCheck(token);
  const isReader = tokenCheck(readOnlyToken);
  return ({ authorization = '' }) => {
    const given = digest(authorization);
    const [mayAll, mayRead] = [isAdmin(given), isReader(given)];
    if (mayAll) return 'admin';
    return mayRead ? 'read' : 'none';
  };
};

/**
 * Without a token, whoever runs on this machine may do everything; a page in its browser may not. A page of another site
 * says so, and one whose name was made to lead here (DNS rebinding) calls this host by that name.
 */
const isFromElsewhere = (headers: IncomingHttpHeaders, { host: listensOn, isSecure }: AccessOptions): boolean => {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  const host = (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  const own = `${isSecure ? 'https' : 'http'}://${headers.host ?? ''}`;
  if (headers.origin !== undefined && headers.origin !== own) return true;
  return isLoopback(listensOn) && !isLoopback(host.toLowerCase());
};
