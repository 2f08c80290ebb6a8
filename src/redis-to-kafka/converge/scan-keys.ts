import type { RedisArgument, RedisConnection } from '../../clients/redis/port.ts';
import { KeyferryError } from '../../core/errors.ts';
import { type KeyName, keyName } from '../../core/key-name.ts';

/** SCAN's COUNT: about a millisecond of Redis' time. */
const SCAN_COUNT = 1_000;

/**
 * Every key of the connection's database that is there all the while, in portions; one may come twice.
 * @param only what SCAN is to leave the others out by: `TYPE stream`.
 * @throws KF_REDIS_UNAVAILABLE, KF_REDIS_PERMISSION, KF_REDIS_REFUSED
 */
export async function* scanKeys(
  redis: RedisConnection,
  ...only: readonly RedisArgument[]
): AsyncGenerator<readonly KeyName[]> {
  let cursor = '0';
  do {
    const reply = await redis.call('SCAN', cursor, 'COUNT', SCAN_COUNT, ...only);
    if (!Array.isArray(reply) || !Array.isArray(reply[1])) {
      throw new KeyferryError('KF_REDIS_REFUSED', 'SCAN gave no list of keys');
    }
    cursor = String(reply[0]);
    yield reply[1].map((bytes: unknown) => keyName(bytes as Buffer));
  } while (cursor !== '0');
}
