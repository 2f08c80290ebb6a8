import { KeyferryError, isKeyferryError } from '../../core/errors.ts';
import type { RedisAccess } from './access.ts';
import type { RedisAddress } from './address.ts';
import { type DialOptions, type Line, dial } from './dial.ts';

export type Dial = (to: RedisAddress, options: DialOptions) => Promise<Line>;

/**
 * Dials servers that take the same user. Whom they have let in once and then refuse meets a password in the middle of its
 * rotation: that passes, and so it is KF_REDIS_UNAVAILABLE. Who never got in is told KF_REDIS_AUTH.
 */
export const dialerFor = (access: RedisAccess, dialOnce: typeof dial = dial): Dial => {
  let wasLetIn = false;
  return async (to, options) => {
    try {
      const line = await dialOnce(to, access, options);
      wasLetIn = true;
      return line;
    } catch (error) {
      if (!wasLetIn || !isKeyferryError(error, 'KF_REDIS_AUTH')) throw error;
      const message = `${error.message}; the server took user and password before, and is asked again`;
      throw new KeyferryError('KF_REDIS_UNAVAILABLE', message, { cause: error });
    }
  };
};
