import { describe, expect, it } from 'vitest';
import { run } from '../../../src/cli/run.ts';
import { KeyferryError } from '../../../src/core/errors.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const setUp = () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const lines: string[] = [];
  return { clock, stop, lines, options: { clock, stop: stop.signal, err: (line: string) => lines.push(line) } };
};

describe('run', () => {
  it('ends with 0 when the daemon has drained in time', async () => {
    const { clock, stop, options } = setUp();
    const daemon = async (signal: AbortSignal): Promise<void> => {
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
      });
      await clock.sleep(24_999);
    };
    const status = run({ ...options, daemon });
    await clock.advance(3_600_000);
    stop.abort();
    await clock.advance(24_999);
    expect(await status).toBe(0);
  });

  it('waits 25 s for a daemon that does not drain, and no longer', async () => {
    const { clock, stop, lines, options } = setUp();
    const status = run({ ...options, daemon: () => new Promise(() => undefined) });
    stop.abort();
    await clock.advance(24_999);
    expect(lines).toEqual([]);
    await clock.advance(1);
    expect(await status).toBe(3);
    expect(lines).toEqual([expect.stringContaining('longer than 25 s')]);
  });

  it('fails with what the daemon fails with', async () => {
    const { options } = setUp();
    const error = new KeyferryError('KF_STATE_STORE', 'no');
    await expect(run({ ...options, daemon: () => Promise.reject(error) })).rejects.toBe(error);
  });
});
