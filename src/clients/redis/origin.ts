import { KeyferryError } from '../../core/errors.ts';
import { RESERVED_PREFIX } from '../../core/key-name.ts';
import type { RedisConnection, RedisReply, RedisScript } from './port.ts';

const ORIGIN_KEY = Buffer.from(`${RESERVED_PREFIX}origin`);

/** The id of a deployment stands in its database 0, whichever database asks: SELECT ends with the script. */
const ENSURE_ORIGIN: RedisScript = {
  lua: `
redis.call('SELECT', '0')
local standing = redis.call('GET', KEYS[1])
if standing then return standing end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
`,
  readOnly: false,
};

/**
 * The id as it stands; undefined where nobody has asked for one yet.
 * @param connection on database 0.
 * @throws KF_REDIS_UNAVAILABLE, KF_REDIS_PERMISSION, KF_REDIS_REFUSED
 */
export const readOrigin = async (connection: RedisConnection): Promise<string | undefined> => {
  const standing = await connection.call('GET', ORIGIN_KEY);
  return standing === null ? undefined : text(standing);
};

/**
 * The id of the Redis deployment, written by whoever asks first. It is part of the dataset, and so may change under a
 * running daemon: by a flush, or a dataset that was put in its place.
 * @param newId makes a random id.
 * @throws KF_REDIS_UNAVAILABLE, KF_REDIS_PERMISSION, KF_REDIS_REFUSED
 */
export const ensureOrigin = async (connection: RedisConnection, newId: () => string): Promise<string> => {
  return text(await connection.script(ENSURE_ORIGIN, [ORIGIN_KEY], [newId()]));
};

const text = (reply: RedisReply): string => {
  if (Buffer.isBuffer(reply)) return reply.toString();
  throw new KeyferryError('KF_REDIS_REFUSED', `${String(ORIGIN_KEY)} holds something else than the id of this Redis`);
};
