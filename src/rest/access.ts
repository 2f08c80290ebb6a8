import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** What a request may do: everything, read, or nothing. */
export type Access = 'full' | 'read' | 'none';

export interface Tokens {
  /** undefined: who can reach the server may do everything. */
  readonly token: string | undefined;
  /** A second one, whose owner may only read. */
  readonly readOnlyToken: string | undefined;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || (isIP(host) !== 0 && loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4'));

/** Compares digests, which have one length, in constant time: neither length nor content of a token leaks. */
const tokenCheck = (token: string | undefined): ((given: string) => boolean) => {
  if (token === undefined) return () => false;
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const expected = digest(`Bearer ${token}`);
  return (given) => timingSafeEqual(digest(given), expected);
};

/** @param host on which the server listens. */
export const accessCheck = (
  { token, readOnlyToken }: Tokens,
  host: string,
): ((headers: IncomingHttpHeaders) => Access) => {
  if (token === undefined && readOnlyToken === undefined)
    return (headers) => (isFromElsewhere(headers, host) ? 'none' : 'full');
  const isFull = tokenCheck(token);
  const isReader = tokenCheck(readOnlyToken);
  return ({ authorization = '' }) => {
    if (isFull(authorization)) return 'full';
    return isReader(authorization) ? 'read' : 'none';
  };
};

/**
 * Without a token, whoever runs on this machine may do everything; a page in its browser may not. A page of another site
 * says so, and one whose name was made to lead here (DNS rebinding) calls this host by that name.
 */
const isFromElsewhere = (headers: IncomingHttpHeaders, listensOn: string): boolean => {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  const host = (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  if (headers.origin !== undefined && headers.origin !== `http://${headers.host ?? ''}`) return true;
  return isLoopback(listensOn) && !isLoopback(host.toLowerCase());
};
