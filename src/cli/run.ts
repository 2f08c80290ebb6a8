import { type Clock, aborted } from '../core/clock.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';

/** The contract's bound from the signal to the end of the process. */
const DRAIN_LIMIT_MS = 25_000;

export interface RunOptions {
  /** Runs until the signal aborts, then drains; rejects where it cannot go on. */
  readonly daemon: (signal: AbortSignal) => Promise<void>;
  /** Aborts on SIGTERM or SIGINT. */
  readonly stop: AbortSignal;
  readonly clock: Clock;
  /** A line for the operator. */
  readonly err: (line: string) => void;
}

/** Runs the daemon; once it is told to stop, waits for it as long as the contract allows. */
export const run = async ({ daemon, stop, clock, err }: RunOptions): Promise<ExitStatus> => {
  const ended = new AbortController();
  const overdue = aborted(stop).then(() => clock.sleep(DRAIN_LIMIT_MS, ended.signal));
  const drained = await Promise.race([daemon(stop).then(() => true), overdue.then(() => false)]).finally(() => {
    ended.abort();
  });
  if (drained) return EXIT.fine;
  err(
    `draining took longer than ${DRAIN_LIMIT_MS / 1000} s, as Kafka or Redis did not answer: what was in flight is published again at the next start`,
  );
  return EXIT.outOfReach;
};
