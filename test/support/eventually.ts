import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until `probe` holds: until it neither throws nor gives false or null. Returns what it gave.
 * @throws after `timeoutMs`, naming what was waited for, with the probe's last failure as the cause.
 */
export const eventually = async <T>(
  probe: () => T | Promise<T>,
  { timeoutMs = 60_000, what = 'the condition' }: { timeoutMs?: number; what?: string } = {},
): Promise<Exclude<T, false | null>> => {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let failure: unknown;
    try {
      const found = await probe();
      if (found !== false && found !== null) return found as Exclude<T, false | null>;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`, { cause: failure });
    await sleep(20);
  }
};
