import { describe, expect, it } from 'vitest';
import { keyName } from '../../../src/core/key-name.ts';
import { Snapshots } from '../../../src/redis-to-kafka/snapshots.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../support/silent-logger.ts';

const wanted = async (match: string | null): Promise<NonNullable<Snapshots['wanted']>> => {
  const noted = new Map<string, string>();
  const snapshots = new Snapshots({
    source: 'all',
    notes: {
      get: (key) => noted.get(key),
      set: (key, value) => {
        if (value === undefined) noted.delete(key);
        else noted.set(key, value);
        return Promise.resolve();
      },
    },
    parts: () => [],
    onWanted: () => undefined,
    clock: new FakeClock(),
    logger: silentLogger,
    randomId: () => 'id',
  });
  await snapshots.request(match);
  if (snapshots.wanted === undefined) throw new Error('it has not begun');
  return snapshots.wanted;
};

const name = (text: string) => keyName(Buffer.from(text));

describe('a snapshot', () => {
  it('wants the keys that its pattern matches, or all', async () => {
    const { matches } = await wanted('user:*');
    expect([matches(name('user:1')), matches(name('order:1'))]).toEqual([true, false]);
    expect((await wanted(null)).matches(name('order:1'))).toBe(true);
  });

  it('passes a key by at once, however many ways there are to match it', async () => {
    const { matches } = await wanted(`${'*a'.repeat(40)}*b`);
    expect(matches(name('a'.repeat(10_000)))).toBe(false);
  });
});
