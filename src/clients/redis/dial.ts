import { Redis } from 'ioredis';
import { KeyferryError } from '../../core/errors.ts';
import { toKeyferryError, unavailable } from './errors.ts';
import type { RedisCommand } from './port.ts';
import { send, sendAll } from './send.ts';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly username: string;
  readonly password: string;
}

export interface DialOptions {
  readonly db: number;
  readonly clientName: string;
  /** The server's id of the connection that this one takes over from. */
  readonly previousId?: number | undefined;
  readonly signal?: AbortSignal;
}

/** A connection that has passed its handshake. It lives until it breaks; `ended` then tells why, and never rejects. */
export interface Line {
  readonly redis: Redis;
  /** host:port */
  readonly address: string;
  /** The server's id of this connection (CLIENT ID); undefined where the user may not ask. */
  readonly id: number | undefined;
  readonly ended: Promise<string>;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** A server that says nothing for so long, with commands under way, is taken for dead. */
const SILENCE_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 10_000;

/** @throws KF_REDIS_UNAVAILABLE, KF_REDIS_AUTH, KF_REDIS_PERMISSION, KF_REDIS_REFUSED */
export const dial = async (to: RedisAddress, options: DialOptions): Promise<Line> => {
  const address = `${to.host}:${to.port}`;
  const redis = new Redis({
    host: to.host,
    port: to.port,
    ...(to.tls ? { tls: {} } : {}),
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_TIMEOUT_MS,
    keepAlive: KEEP_ALIVE_MS,
    // One instance, one connection: it neither comes back, nor queues, nor repeats anything by itself.
    retryStrategy: () => null,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    // The handshake is ours: the library's prints warnings to the console.
    enableReadyCheck: false,
    disableClientInfo: true,
  });
  let lastError: unknown;
  redis.on('error', (error: unknown) => {
    lastError = error;
  });
  const ended = new Promise<string>((resolve) => {
    redis.once('end', () => {
      resolve(unavailable(address, lastError ?? 'the connection was closed').message);
    });
  });
  const hangUp = (): void => {
    // Once the connection has ended, the library would only leave a timer behind.
    if (redis.status !== 'end') redis.disconnect();
  };
  options.signal?.addEventListener('abort', hangUp);
  try {
    await redis.connect().catch((error: unknown) => {
      throw unavailable(address, lastError ?? error);
    });
    return { redis, address, id: await handshake(redis, address, to, options), ended };
  } catch (error) {
    hangUp();
    throw lastError === undefined ? error : unavailable(address, lastError);
  } finally {
    options.signal?.removeEventListener('abort', hangUp);
  }
};

/** Returns the connection's id. */
const handshake = async (
  redis: Redis,
  address: string,
  to: RedisAddress,
  options: DialOptions,
): Promise<number | undefined> => {
  await authenticate(redis, address, to);
  const required: RedisCommand[] = [
    // Refused while the server loads its data.
    ['PING'],
    ...(options.db === 0 ? [] : [['SELECT', options.db] as const]),
  ];
  const welcome: RedisCommand[] = [
    ['CLIENT', 'ID'],
    ['CLIENT', 'SETNAME', options.clientName],
    // Our reads must not make a key look used (Redis 7.2).
    ['CLIENT', 'NO-TOUCH', 'ON'],
    // Commands of a broken connection may still wait in the server's socket buffer. Run after those of this connection,
    // they would put an old value back: so they are discarded first.
    ...(options.previousId === undefined ? [] : [['CLIENT', 'KILL', 'ID', options.previousId] as const]),
  ];
  const replies = await sendAll(redis, address, [...required, ...welcome]);
  for (const reply of replies.slice(0, required.length)) if (reply instanceof Error) throw reply;
  const id = replies[required.length];
  return typeof id === 'number' ? id : undefined;
};

const authenticate = async (redis: Redis, address: string, { username, password }: RedisAddress): Promise<void> => {
  if (password === '') return;
  const credentials = username === '' ? [password] : [username, password];
  await send(redis, address, 'AUTH', credentials).catch((error: unknown) => {
    const mapped = toKeyferryError('AUTH', error, address);
    throw mapped.code === 'KF_REDIS_REFUSED' ? new KeyferryError('KF_REDIS_AUTH', mapped.message) : mapped;
  });
};
