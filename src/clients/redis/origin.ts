import { KeyferryError } from '../../core/errors.ts';
import { RESERVED_PREFIX } from '../../core/key-name.ts';
import type { RedisConnection } from './port.ts';

const ORIGIN_KEY = `${RESERVED_PREFIX}origin`;

/**
 * The id as it stands; undefined where nobody has asked for one yet.
 * @throws KF_REDIS_UNAVAILABLE, KF_REDIS_PERMISSION, KF_REDIS_REFUSED
 */
export const readOrigin = async (connection: RedisConnection): Promise<string | undefined> => {
  const standing = await connection.call('GET', ORIGIN_KEY);
  return standing === null ? undefined : text(standing);
};

/**
 * The id of the Redis deployment, as it stands in the connection's database; written by whoever asks first. It is part
 * of the dataset, and so may change under a running daemon: by a flush, or a dataset that was put in its place.
 * @param newId makes a random id.
 * @throws KF_REDIS_UNAVAILABLE, KF_REDIS_PERMISSION, KF_REDIS_REFUSED
 */
export const ensureOrigin = async (connection: RedisConnection, newId: () => string): Promise<string> => {
  const standing = await readOrigin(connection);
  if (standing !== undefined) return standing;
  await connection.call('SET', ORIGIN_KEY, newId(), 'NX');
  return text(await connection.call('GET', ORIGIN_KEY));
};

const text = (reply: unknown): string => {
  if (Buffer.isBuffer(reply)) return reply.toString();
  throw new KeyferryError('KF_REDIS_UNAVAILABLE', `${ORIGIN_KEY} vanished while it was written; it is tried again`);
};
