import { type Clock, aborted } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';

export interface WatchOptions {
  /** 0: never. */
  readonly everyMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly isFeedUp: () => boolean;
  /** What to look at, one after the other; each may throw as RedisConnection.call does. */
  readonly looks: readonly (() => Promise<unknown>)[];
}

/** At an interval, while the feed is up: looks for what no notification tells. */
export const watch = async ({ everyMs, clock, logger, signal, isFeedUp, looks }: WatchOptions): Promise<void> => {
  if (everyMs === 0) {
    await aborted(signal);
    return;
  }
  let failure: string | undefined;
  while (!signal.aborted) {
    try {
      if (isFeedUp()) for (const look of looks) await look();
      failure = undefined;
    } catch (error) {
      if (failure === undefined) logger.warn({ reason: messageOf(error) }, 'the watch over Redis failed; trying again');
      failure = messageOf(error);
    }
    await clock.sleep(everyMs, signal);
  }
};
