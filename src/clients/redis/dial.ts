import { Redis } from 'ioredis';
import { KeyferryError, isKeyferryError } from '../../core/errors.ts';
import { type RedisAccess, type Secrets, readSecrets } from './access.ts';
import { type RedisAddress, addressText } from './address.ts';
import { toKeyferryError, unavailable } from './errors.ts';
import type { RedisCommand } from './port.ts';
import { send, sendAll } from './send.ts';
import { dialFailure } from './tls-errors.ts';

export interface DialOptions {
  readonly db: number;
  readonly clientName: string;
  /** As in ConnectOptions. */
  readonly forOthers?: boolean | undefined;
  /** The connection that this one takes over from. */
  readonly previous?: Pick<Line, 'id' | 'address'> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A connection that has passed its handshake. It lives until it breaks; `ended` then tells why, and never rejects. */
export interface Line {
  readonly redis: Redis;
  /** host:port */
  readonly address: string;
  /** The server's id of this connection (CLIENT ID); undefined where the user may not ask. */
  readonly id: number | undefined;
  readonly ended: Promise<string>;
  /** Ends it at once, for a reason that `ended` then gives. */
  hangUp(reason: string): void;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** A server that says nothing for so long, with commands under way, is taken for dead. */
const SILENCE_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 10_000;

/** @throws KF_REDIS_UNAVAILABLE, KF_REDIS_AUTH, KF_REDIS_PERMISSION, KF_REDIS_REFUSED */
export const dial = async (to: RedisAddress, access: RedisAccess, options: DialOptions): Promise<Line> => {
  const address = addressText(to);
  const secrets = await readSecrets(access);
  const redis = newRedis(to, secrets, options);
  let lastError: unknown;
  redis.on('error', (error: unknown) => {
    lastError = error;
  });
  const ended = new Promise<string>((resolve) => {
    redis.once('end', () => {
      resolve(unavailable(address, lastError ?? 'the connection was closed').message);
    });
  });
  const hangUp = (reason?: string): void => {
    lastError ??= reason;
    // Once the connection has ended, the library would only leave a timer behind.
    if (redis.status !== 'end') redis.disconnect();
  };
  const giveUp = (): void => {
    hangUp();
  };
  options.signal?.addEventListener('abort', giveUp);
  try {
    await redis.connect();
    return { redis, address, id: await handshake(redis, address, { ...access, ...secrets }, options), ended, hangUp };
  } catch (error) {
    const attempt = { tls: secrets.tls !== undefined, answered: hasAnswered(redis) };
    hangUp();
    const isSaid = isKeyferryError(error) && (attempt.answered || options.signal?.aborted === true);
    if (isSaid && lastError === undefined) throw error;
    throw unavailable(address, dialFailure(lastError ?? error, attempt));
  } finally {
    options.signal?.removeEventListener('abort', giveUp);
  }
};

const newRedis = ({ host, port }: RedisAddress, { tls }: Secrets, { forOthers = false }: DialOptions): Redis =>
  new Redis({
    host,
    port,
    stringNumbers: forOthers,
    ...(tls === undefined ? {} : { tls }),
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

/** Before there is a stream, the library's type notwithstanding, there is none. */
const hasAnswered = ({ stream }: { readonly stream: Redis['stream'] | undefined }): boolean =>
  stream !== undefined && stream.bytesRead > 0;

/** Returns the connection's id. */
const handshake = async (
  redis: Redis,
  address: string,
  who: Pick<RedisAccess, 'username' | 'password'>,
  { db, clientName, previous, forOthers = false }: DialOptions,
): Promise<number | undefined> => {
  await authenticate(redis, address, who);
  const required: RedisCommand[] = [
    // Refused while the server loads its data.
    ['PING'],
    ...(db === 0 ? [] : [['SELECT', db] as const]),
  ];
  const welcome: RedisCommand[] = [
    ['CLIENT', 'ID'],
    ['CLIENT', 'SETNAME', clientName],
    // Our reads must not make a key look used (Redis 7.2).
    ...(forOthers ? [] : [['CLIENT', 'NO-TOUCH', 'ON'] as const]),
    // Commands of a broken connection may still wait in the server's socket buffer. Run after those of this connection,
    // they would put an old value back: so they are discarded first. Another server gives the id to somebody else.
    ...(previous?.id === undefined || previous.address !== address
      ? []
      : [['CLIENT', 'KILL', 'ID', previous.id] as const]),
  ];
  const replies = await sendAll(redis, address, [...required, ...welcome]);
  for (const reply of replies.slice(0, required.length)) if (reply instanceof Error) throw reply;
  const id = Number(replies[required.length]);
  return Number.isSafeInteger(id) ? id : undefined;
};

const authenticate = async (
  redis: Redis,
  address: string,
  { username, password }: Pick<RedisAccess, 'username' | 'password'>,
): Promise<void> => {
  if (password === '') return;
  const credentials = username === '' ? [password] : [username, password];
  await send(redis, address, 'AUTH', credentials).catch((error: unknown) => {
    const mapped = toKeyferryError('AUTH', error, address);
    throw mapped.code === 'KF_REDIS_REFUSED' ? new KeyferryError('KF_REDIS_AUTH', mapped.message) : mapped;
  });
};
