import type { RedisConnection } from '../../clients/redis/port.ts';
import type { Clock } from '../../core/clock.ts';
import { isTransient } from '../../core/retry.ts';

/** A server that does not answer by then is out of reach. */
export const PATIENCE_MS = 5_000;
const ASK_AGAIN_MS = 50;

/** Resolves once the server answers. @throws what the server says, or why it does not for as long as we wait. */
export const answer = async (connection: RedisConnection, clock: Clock): Promise<void> => {
  await untilAnswered(() => connection.call('PING'), clock);
};

/** What the servers answer, once they do. @throws what they say, or why they do not for as long as we wait. */
export const untilAnswered = async <T>(question: () => Promise<T>, clock: Clock): Promise<T> => {
  const giveUpAt = clock.monotonic() + PATIENCE_MS;
  for (;;) {
    try {
      return await question();
    } catch (error) {
      if (!isTransient(error) || clock.monotonic() >= giveUpAt) throw error;
      await clock.sleep(ASK_AGAIN_MS);
    }
  }
};
