import { expect, it } from 'vitest';
import type { KeyName } from '../../../src/core/key-name.ts';
import type { PublishedState } from '../../../src/state-store/published-states.ts';
import { WaitingChanges } from '../../../src/state-store/waiting-changes.ts';

const key = (at: number): KeyName => `key:${at}` as KeyName;

/** Every third change is a tombstone; some of the others expire. */
const change = (at: number): PublishedState | undefined =>
  at % 3 === 0
    ? undefined
    : {
        fingerprint: 0xffff_ffff_ffff_ffffn - BigInt(at),
        redisType: at % 2 === 0 ? 'hash' : 'ReJSON-RL',
        expireAt: at % 5 === 0 ? 1_795_239_060_027 + at : undefined,
      };

it('gives back the latest change of each key, however many there are', () => {
  const waiting = new WaitingChanges();
  const latest = new Map<KeyName, PublishedState | undefined>();
  for (let at = 0; at < 10_000; at += 1) {
    // Of 4,000 keys, most change more than once.
    const name = key((at * 7_919) % 4_000);
    waiting.set(name, change(at));
    latest.set(name, change(at));
  }
  expect([...waiting.keys()].sort()).toEqual([...latest.keys()].sort());
  for (const [name, state] of latest) expect(waiting.get(name)).toEqual(state ?? null);
  expect(waiting.get(key(4_000))).toBeUndefined();
});

it('counts each change, so that one key that changes over and over does not grow it unseen', () => {
  const waiting = new WaitingChanges();
  for (let at = 0; at < 5_000; at += 1) waiting.set(key(1), change(at));
  expect(waiting.size).toBe(5_000);
  expect(waiting.get(key(1))).toEqual(change(4_999));
});

it('takes a state after thousands of tombstones', () => {
  const waiting = new WaitingChanges();
  for (let at = 0; at < 5_000; at += 1) waiting.set(key(at), undefined);
  waiting.set(key(5_000), change(1));
  expect(waiting.get(key(5_000))).toEqual(change(1));
  expect(waiting.get(key(4_999))).toBeNull();
});
