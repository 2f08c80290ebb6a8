import { describe, expect, test } from 'vitest';
import { RateLimit } from '../../../src/rest/limits/rate-limit.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const fixture = (perSecond: number) => {
  const clock = new FakeClock();
  const limit = new RateLimit({ perSecond, clock });
  const passing = (address: string, times: number): number =>
    Array.from({ length: times }, () => limit.take(address)).filter((waitMs) => waitMs === 0).length;
  return { clock, limit, passing };
};

describe('a rate limit', () => {
  test('lets the requests of one second come at once, and no more', () => {
    const { passing } = fixture(5);
    expect(passing('10.0.0.1', 20)).toBe(5);
  });

  test('tells how long to wait, and lets one in then', async () => {
    const { clock, limit, passing } = fixture(5);
    passing('10.0.0.1', 5);
    expect(limit.take('10.0.0.1')).toBe(200);
    await clock.advance(199);
    expect(limit.take('10.0.0.1')).toBe(1);
    await clock.advance(1);
    expect(passing('10.0.0.1', 5)).toBe(1);
  });

  test('holds over a long time', async () => {
    const { clock, passing } = fixture(3);
    let passed = 0;
    for (let at = 0; at < 100; at += 1) {
      passed += passing('10.0.0.1', 5);
      await clock.advance(100);
    }
    expect(passed).toBeGreaterThanOrEqual(30);
    expect(passed).toBeLessThanOrEqual(33);
  });

  test('of one per second lets one in', () => {
    expect(fixture(1).passing('10.0.0.1', 3)).toBe(1);
  });

  test('is kept for each address by itself', () => {
    const { passing } = fixture(2);
    passing('10.0.0.1', 9);
    expect(passing('10.0.0.2', 9)).toBe(2);
  });

  test.each([
    ['an IPv6 network', '2001:db8:1:2::1', '2001:db8:1:2:ffff::9'],
    ['an IPv6 network with zeros left out', '2001:db8::1', '2001:db8:0:0:7::'],
    ['an IPv4 address written as IPv6', '10.0.0.1', '::ffff:10.0.0.1'],
  ])('takes %s for one client', (_, one, other) => {
    const { passing } = fixture(2);
    expect([passing(one, 9), passing(other, 9)]).toEqual([2, 0]);
  });

  test.each([
    ['2001:db8:1:2::1', '2001:db8:1:3::1'],
    ['::1', '2001:db8::1'],
  ])('tells networks apart: %s and %s', (one, other) => {
    const { passing } = fixture(2);
    expect([passing(one, 9), passing(other, 9)]).toEqual([2, 2]);
  });

  test('forgets who was not seen for longest, so that many addresses take no more memory', () => {
    const { limit, passing } = fixture(1);
    passing('10.0.0.1', 1);
    for (let at = 0; at < 10_000; at += 1) limit.take(`10.1.${at >> 8}.${at & 255}`);
    expect(passing('10.1.39.15', 1)).toBe(0);
    expect(passing('10.0.0.1', 1)).toBe(1);
  });
});
