import { describe, expect, it } from 'vitest';
import { PauseSwitch } from '../../../src/core/pause-switch.ts';

describe('a pause switch', () => {
  const settled = async (promise: Promise<void>): Promise<boolean> => {
    let isSettled = false;
    void promise.then(() => {
      isSettled = true;
    });
    await new Promise(setImmediate);
    return isSettled;
  };

  it('lets through what comes while it is not paused, and the rest once it is resumed', async () => {
    const pause = new PauseSwitch();
    const { signal } = new AbortController();
    expect(await settled(pause.passable(signal))).toBe(true);
    pause.set(true);
    const waiting = [pause.passable(signal), pause.passable(signal)];
    expect(await settled(Promise.race(waiting))).toBe(false);
    pause.set(false);
    await Promise.all(waiting);
  });

  it('keeps nobody who is to stop', async () => {
    const pause = new PauseSwitch();
    pause.set(true);
    const stop = new AbortController();
    const waiting = pause.passable(stop.signal);
    stop.abort();
    await waiting;
    await pause.passable(stop.signal);
  });

  it('tells of changes, and not of what was so already, until nobody listens', () => {
    const pause = new PauseSwitch();
    const told: boolean[] = [];
    const forget = pause.onChange(() => told.push(pause.isPaused));
    pause.set(false);
    pause.set(true);
    pause.set(true);
    pause.set(false);
    forget();
    pause.set(true);
    expect(told).toEqual([true, false]);
  });
});
