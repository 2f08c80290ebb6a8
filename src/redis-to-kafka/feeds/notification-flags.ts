import type { RedisConnection } from '../../clients/redis/port.ts';
import { KeyferryError, messageOf } from '../../core/errors.ts';

const SETTING = 'notify-keyspace-events';
/** `A`: every class that tells of a write, in Redis' own short form. */
const ALL_CLASSES = ['g', '$', 'l', 's', 'h', 'z', 'x', 'e', 't', 'd'];

/** The flags that lack for key-event notifications of every write; empty where all are there. */
export const missingFlags = (flags: string): string => {
  const events = flags.includes('E') ? '' : 'E';
  const everyClass = flags.includes('A') || ALL_CLASSES.every((flag) => flags.includes(flag));
  return events + (everyClass ? '' : 'A');
};

/** @throws as RedisConnection.call does; KF_REDIS_PERMISSION where CONFIG is forbidden. */
export const readFlags = async (redis: RedisConnection): Promise<string> => {
  const reply = await redis.call('CONFIG', 'GET', SETTING);
  const value: unknown = Array.isArray(reply) ? reply[1] : undefined;
  return Buffer.isBuffer(value) ? value.toString('latin1') : '';
};

export type FlagsMode = 'manage' | 'require';

/**
 * Sees to it that Redis sends the notifications: `manage` adds the flags that lack and keeps the others, `require` only
 * looks.
 * @returns true where they had been off, so that changes went unseen.
 * @throws KF_REDIS_NOTIFICATIONS_OFF where they are off and may not, or cannot, be switched on.
 */
export const ensureNotifications = async (redis: RedisConnection, mode: FlagsMode): Promise<boolean> => {
  let flags: string;
  try {
    flags = await readFlags(redis);
  } catch (error) {
    if (mode === 'manage') throw error;
    // A managed Redis may forbid CONFIG: the canary then tells whether notifications come.
    return false;
  }
  const missing = missingFlags(flags);
  if (missing === '') return false;
  const advice = `CONFIG SET ${SETTING} ${flags}${missing}`;
  if (mode === 'require') {
    throw new KeyferryError('KF_REDIS_NOTIFICATIONS_OFF', `${SETTING} is "${flags}" and lacks ${missing}: ${advice}`);
  }
  try {
    await redis.call('CONFIG', 'SET', SETTING, flags + missing);
  } catch (error) {
    const text = `${SETTING} lacks ${missing} and cannot be set (${messageOf(error)}): ${advice}`;
    throw new KeyferryError('KF_REDIS_NOTIFICATIONS_OFF', text, { cause: error });
  }
  return true;
};
