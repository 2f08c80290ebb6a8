import { type Clock, aborted } from '../../core/clock.ts';
import { codeOf, messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';

export interface WatchOptions {
  /** 0: never. */
  readonly everyMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly isFeedUp: () => boolean;
  /** What to look at, one after the other, whatever became of those before; each may throw as RedisConnection.call does. */
  readonly looks: readonly (() => Promise<unknown>)[];
}

/** At an interval, while the feed is up: looks for what no notification tells. */
export const watch = async ({ everyMs, clock, logger, signal, isFeedUp, looks }: WatchOptions): Promise<void> => {
  if (everyMs === 0) {
    await aborted(signal);
    return;
  }
  const failing = new Set<number>();
  const isStopped = (): boolean => signal.aborted;
  while (!isStopped()) {
    if (isFeedUp()) {
      for (const [at, look] of looks.entries()) {
        if (isStopped()) return;
        // What one look is refused, or finds away, must not blind the others.
        await look().then(
          () => failing.delete(at),
          (error: unknown) => {
            if (!failing.has(at) && !signal.aborted)
              logger.warn(
                { code: codeOf(error), reason: messageOf(error) },
                'the watch over Redis failed; trying again',
              );
            failing.add(at);
          },
        );
      }
    }
    await clock.sleep(everyMs, signal);
  }
};
