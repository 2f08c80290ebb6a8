import { type Clock, systemClock } from '../../core/clock.ts';
import { KeyferryError } from '../../core/errors.ts';
import type { RedisMetrics } from '../../observability/metrics.ts';
import { ReconnectingConnection } from './connection.ts';
import { type RedisAddress, dial } from './dial.ts';
import { metered } from './metered.ts';
import type { RedisClient } from './port.ts';
import { openSubscription } from './subscription.ts';

export interface RedisClientOptions {
  /** `redis://user:password@host:port`, or `rediss:` for TLS. A database in it is ignored: connections name theirs. */
  readonly url: string;
  /** How this daemon calls itself in CLIENT LIST; each connection appends its own name. */
  readonly name: string;
  readonly clock?: Clock;
  readonly metrics?: RedisMetrics;
}

/**
 * The Redis client on ioredis, which stays behind the port: one ioredis instance lives for one connection, so that
 * reconnecting, handshake and error mapping are ours.
 * @throws KF_CONFIG_INVALID when the URL is none.
 */
export const connectRedis = ({ url, name, clock = systemClock, metrics }: RedisClientOptions): RedisClient => {
  const address = parseRedisUrl(url);
  return {
    connect: (options) => {
      const connection = new ReconnectingConnection(
        (extra) => dial(address, { ...extra, db: options.db, clientName: `${name}:${options.name}` }),
        clock,
      );
      return metrics === undefined ? connection : metered(connection, metrics, clock);
    },
    subscribe: (patterns, handler) =>
      openSubscription(() => dial(address, { db: 0, clientName: `${name}:feed` }), patterns, handler),
  };
};

/** Never quotes the URL in an error: it may hold a password. */
export const parseRedisUrl = (text: string): RedisAddress => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') {
    throw new KeyferryError('KF_CONFIG_INVALID', 'redis.url is not of the form redis://[user:password@]host[:port]');
  }
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 6379 : Number(url.port),
    tls: url.protocol === 'rediss:',
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  };
};
