import { KeyferryError } from '../../core/errors.ts';

/** Where one server listens. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, with brackets around an IPv6 address. */
export const addressText = ({ host, port }: RedisAddress): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** The reverse of `addressText`; also takes an IPv6 address without brackets, as Redis writes it in a redirection. */
export const parseAddress = (text: string): RedisAddress => {
  const colon = text.lastIndexOf(':');
  return { host: withoutBrackets(text.slice(0, colon)), port: Number(text.slice(colon + 1)) };
};

/** What a Redis URL says, the database apart. */
export interface RedisUrl extends RedisAddress {
  readonly tls: boolean;
  readonly username: string;
  readonly password: string;
}

/** Never quotes the URL in an error: it may hold a password. */
export const parseRedisUrl = (text: string): RedisUrl => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') {
    throw new KeyferryError('KF_CONFIG_INVALID', 'redis.url is not of the form redis://[user:password@]host[:port]');
  }
  return {
    host: withoutBrackets(url.hostname),
    port: url.port === '' ? 6379 : Number(url.port),
    tls: url.protocol === 'rediss:',
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  };
};

const withoutBrackets = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');
