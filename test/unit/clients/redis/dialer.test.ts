import { describe, expect, test } from 'vitest';
import type { Line } from '../../../../src/clients/redis/dial.ts';
import { dialerFor } from '../../../../src/clients/redis/dialer.ts';
import { KeyferryError } from '../../../../src/core/errors.ts';

const WRONG = new KeyferryError('KF_REDIS_AUTH', 'Redis refused AUTH: WRONGPASS invalid username-password pair');
const ACCESS = { username: 'ferry', password: 'x' };
const TO = [
  { host: 'redis', port: 6379 },
  { db: 0, clientName: 'test' },
] as const;

/** Each dial comes to the next of these ends. */
const dialing = (...ends: readonly ('in' | KeyferryError)[]) => {
  const left = [...ends];
  const dial = dialerFor(ACCESS, () => {
    const end = left.shift() ?? 'in';
    return end === 'in' ? Promise.resolve({ address: 'redis:6379' } as Line) : Promise.reject(end);
  });
  return () =>
    dial(...TO).then(
      () => 'in',
      (error: unknown) => (error instanceof KeyferryError ? error.code : 'another error'),
    );
};

describe('a password that is refused', () => {
  test('is wrong for good where it never was right', async () => {
    const dial = dialing(WRONG, WRONG);
    expect([await dial(), await dial()]).toEqual(['KF_REDIS_AUTH', 'KF_REDIS_AUTH']);
  });

  test('may be right again where it was right before: it is being rotated', async () => {
    const dial = dialing('in', WRONG, WRONG, 'in', WRONG);
    const ends = [await dial(), await dial(), await dial(), await dial(), await dial()];
    expect(ends).toEqual(['in', 'KF_REDIS_UNAVAILABLE', 'KF_REDIS_UNAVAILABLE', 'in', 'KF_REDIS_UNAVAILABLE']);
  });

  test('is told apart from what else may go wrong', async () => {
    const dial = dialing('in', new KeyferryError('KF_REDIS_PERMISSION', 'no'));
    expect([await dial(), await dial()]).toEqual(['in', 'KF_REDIS_PERMISSION']);
  });
});
