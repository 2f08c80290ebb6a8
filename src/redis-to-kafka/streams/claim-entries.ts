import type { RedisConnection } from '../../clients/redis/port.ts';
import { isKeyferryError } from '../../core/errors.ts';
import { arrayOf, bufferOf, textOf } from '../converge/redis-replies.ts';
import type { GroupMember } from './read-entries.ts';
import type { Reading } from './reading.ts';

const CLAIM_COUNT = 500;

export interface Claimed {
  readonly entries: number;
  /** Entries that were pending and are deleted: Redis has acknowledged them itself. */
  readonly deleted: number;
}

/**
 * Takes over what another consumer of the group has left unacknowledged for too long. Only the ownership moves here: the
 * entries are read as our own pending ones then, by the same path as after a crash.
 * @throws KF_REDIS_UNAVAILABLE, KF_REDIS_PERMISSION
 */
export const claimEntries = async (
  redis: RedisConnection,
  { group, consumer, minIdleMs }: GroupMember & { readonly minIdleMs: number },
  reading: Reading,
): Promise<Claimed> => {
  let entries = 0;
  let deleted = 0;
  try {
    const others = await pendingOfOthers(redis, reading.name, { group, consumer });
    if (others === 0) return { entries, deleted };
    for (let cursor = '0-0', isFirst = true; isFirst || cursor !== '0-0'; isFirst = false) {
      const from = [group, consumer, minIdleMs, cursor, 'COUNT', CLAIM_COUNT, 'JUSTID'];
      const [next, ids = null, gone = []] = arrayOf(await redis.call('XAUTOCLAIM', reading.name, ...from));
      // What we have in flight ourselves may be as old, while Kafka is away.
      entries += arrayOf(ids).filter((id) => !reading.isInFlight(textOf(id))).length;
      deleted += arrayOf(gone).filter((id) => !reading.isInFlight(textOf(id))).length;
      cursor = textOf(next);
    }
    // Own entries of a lost reply may be among them.
    entries = Math.min(entries, others);
  } catch (error) {
    // The stream or its group is gone: the survey finds that out.
    if (!isKeyferryError(error, 'KF_REDIS_REFUSED')) throw error;
  }
  if (entries > 0) reading.recover();
  return { entries, deleted };
};

/** XPENDING's summary ends in a list of [consumer, entries]; null where nothing is pending. */
const pendingOfOthers = async (
  redis: RedisConnection,
  name: Buffer,
  { group, consumer }: GroupMember,
): Promise<number> => {
  const [, , , consumers = null] = arrayOf(await redis.call('XPENDING', name, group));
  if (consumers === null) return 0;
  const own = Buffer.from(consumer);
  return arrayOf(consumers)
    .map(arrayOf)
    .filter(([other = null]) => !bufferOf(other).equals(own))
    .reduce((sum, [, count]) => sum + Number(textOf(count)), 0);
};
