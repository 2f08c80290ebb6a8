import type { Line } from './dial.ts';
import { toKeyferryError } from './errors.ts';
import type { RedisSubscription, SubscriptionHandler } from './port.ts';
import { send } from './send.ts';

const INVALIDATE = '__redis__:invalidate';
/** No key has this prefix: of the invalidations only those that name no key, a flush, are sent. */
const NO_KEY = '__keyferry__:no-such-key:';

/** @throws KF_REDIS_UNAVAILABLE, KF_REDIS_AUTH, KF_REDIS_PERMISSION, KF_REDIS_REFUSED */
export const openSubscription = async (
  dial: () => Promise<Line>,
  patterns: readonly string[],
  handler: SubscriptionHandler,
): Promise<RedisSubscription> => {
  const line = await dial();
  const { redis, address, ended } = line;
  redis.on('pmessageBuffer', (_pattern: string, channel: Buffer, message: Buffer) => {
    handler.onMessage(channel, message);
  });
  // The tracking messages of this connection are redirected to itself: RESP2 has no other way to push them.
  redis.on('messageBuffer', (_channel: Buffer, keys: unknown) => {
    if (keys === null) handler.onFlush();
  });
  try {
    const flushWatch = await watchFlushes(line);
    await redis.psubscribe(...patterns);
    return {
      flushWatch,
      lost: ended,
      close: () => {
        redis.disconnect();
      },
    };
  } catch (error) {
    redis.disconnect();
    throw toKeyferryError('PSUBSCRIBE', error, address);
  }
};

const watchFlushes = async ({ redis, address, id }: Line): Promise<boolean> => {
  if (id === undefined) return false;
  try {
    await send(redis, address, 'CLIENT', ['TRACKING', 'ON', 'REDIRECT', id, 'BCAST', 'PREFIX', NO_KEY]);
    await redis.subscribe(INVALIDATE);
    return true;
  } catch (error) {
    const mapped = toKeyferryError('CLIENT TRACKING', error, address);
    if (mapped.code === 'KF_REDIS_UNAVAILABLE') throw mapped;
    return false;
  }
};
