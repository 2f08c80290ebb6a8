import type { Clock } from '../core/clock.ts';
import type { DaemonStatus } from '../rest/live/status.ts';

const EVERY_MS = 1_000;

/** A terminal on which somebody watches the daemon run. */
export interface Screen {
  /** A line of the log, with its line break. */
  print(line: string): void;
  /** How things stand. */
  show(status: DaemonStatus): void;
}

/** Shows the status at once and each second, until the returned function is called. */
export const showOn = (screen: Screen, status: () => Promise<DaemonStatus>, clock: Clock): (() => void) => {
  let isOver = false;
  const show = async (): Promise<void> => {
    const now = await status();
    if (!isOver) screen.show(now);
  };
  void show();
  const stop = clock.every(EVERY_MS, () => void show());
  return () => {
    isOver = true;
    stop();
  };
};
