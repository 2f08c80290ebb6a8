import { describe, expect, it } from 'vitest';
import type { RedisConnection } from '../../../../src/clients/redis/port.ts';
import { Canary } from '../../../../src/redis-to-kafka/feeds/canary.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const setUp = () => {
  const clock = new FakeClock();
  const waited: number[] = [];
  const troubles: string[] = [];
  let stored: Buffer | null = null;
  const set = (_command: string, _key: Buffer, value: string): Promise<Buffer | null> => {
    const before = stored;
    stored = Buffer.from(value);
    return Promise.resolve(before);
  };
  const redis = { call: set } as unknown as RedisConnection;
  const canary = new Canary({
    redis,
    slots: [{ first: 0, last: 16_383 }],
    source: 'all-keys',
    db: 0,
    clock,
    onWaited: (seconds) => waited.push(seconds),
    onTrouble: (cause) => troubles.push(cause),
  });
  return { canary, clock, waited, troubles };
};

describe('the canary', () => {
  it('measures from its write to its notification, once', async () => {
    const { canary, clock, waited } = setUp();
    await canary.send();
    await clock.advance(3);
    canary.returned();
    canary.returned();
    expect(waited).toEqual([0.003]);
  });

  it('counts those that were due while one was slow, each with the wait that it would have had', async () => {
    const { canary, clock, waited, troubles } = setUp();
    await canary.send();
    for (let due = 0; due < 3; due += 1) {
      await clock.advance(1_000);
      await canary.send();
    }
    await clock.advance(500);
    canary.returned();
    expect(waited).toEqual([0.5, 1.5, 2.5, 3.5]);
    expect(troubles).toEqual([]);
  });

  it('counts one that never came with how long it was waited for', async () => {
    const { canary, clock, waited, troubles } = setUp();
    await canary.send();
    await clock.advance(10_000);
    await canary.send();
    expect(waited).toEqual([10]);
    expect(troubles).toEqual(['canary-missing']);
  });

  it('counts nothing of one whose feed was interrupted: that is a gap, and known', async () => {
    const { canary, clock, waited } = setUp();
    await canary.send();
    await clock.advance(10_000);
    canary.reset();
    await canary.send();
    expect(waited).toEqual([]);
  });
});
