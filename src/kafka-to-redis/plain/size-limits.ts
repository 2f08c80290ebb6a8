import type { RedisArgument, RedisConnection } from '../../clients/redis/port.ts';
import { KeyferryError, isKeyferryError } from '../../core/errors.ts';

/** What one record may bring to Redis. Beyond it Redis hangs up, which would look like an outage, for ever. */
export interface SizeLimits {
  /** Of one string: a key, field, value, member or item. */
  readonly maxStringBytes: number;
}

/** Redis' own default. */
const DEFAULT_MAX_STRING_BYTES = 512 * 1024 * 1024;
/** Fields, members and values of one record: some seconds of a script. */
const MAX_VALUES = 1_000_000;

/**
 * As the server tells them; its default where the user may not ask.
 * @throws KF_REDIS_UNAVAILABLE
 */
export const readSizeLimits = async (connection: RedisConnection): Promise<SizeLimits> => {
  try {
    const reply = await connection.call('CONFIG', 'GET', 'proto-max-bulk-len');
    const bytes = Array.isArray(reply) ? Number(reply[1]) : NaN;
    return { maxStringBytes: bytes > 0 ? bytes : DEFAULT_MAX_STRING_BYTES };
  } catch (error) {
    if (!isKeyferryError(error, 'KF_REDIS_PERMISSION', 'KF_REDIS_REFUSED')) throw error;
    return { maxStringBytes: DEFAULT_MAX_STRING_BYTES };
  }
};

/** @throws KF_RECORD_UNREADABLE */
export const checkSize = (strings: readonly RedisArgument[], { maxStringBytes }: SizeLimits): void => {
  if (strings.length > MAX_VALUES) {
    throw new KeyferryError('KF_RECORD_UNREADABLE', `the record has more than ${MAX_VALUES} fields and values`);
  }
  for (const string of strings) {
    if (typeof string === 'object' && string.length > maxStringBytes) {
      throw new KeyferryError(
        'KF_RECORD_UNREADABLE',
        `a string of ${string.length} bytes is beyond the ${maxStringBytes} that Redis takes (proto-max-bulk-len)`,
      );
    }
  }
};
