import { systemClock as clock } from '../../core/clock.ts';

const WITHIN_MS = 10_000;
const DELAY_MS = 100;

/**
 * Brokers learn of a topic, and of who leads it, one after the other: repeats for some seconds what fails because of that.
 * @throws the last failure, or the first that `settles` does not speak for
 */
export const onceSettled = async <T>(attempt: () => Promise<T>, settles: (error: unknown) => boolean): Promise<T> => {
  for (const giveUpAt = clock.monotonic() + WITHIN_MS; ;) {
    try {
      return await attempt();
    } catch (error) {
      if (!settles(error) || clock.monotonic() >= giveUpAt) throw error;
      await clock.sleep(DELAY_MS);
    }
  }
};
