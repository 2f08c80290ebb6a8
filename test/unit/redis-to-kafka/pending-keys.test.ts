import { describe, expect, it } from 'vitest';
import type { KeyName } from '../../../src/core/key-name.ts';
import { Wakeup } from '../../../src/core/wakeup.ts';
import { type PendingBatch, PendingKeys } from '../../../src/redis-to-kafka/converge/pending-keys.ts';

const key = (name: string): KeyName => name as KeyName;
const pendingKeys = (maxBytes = 1_000_000): PendingKeys => new PendingKeys({ maxBytes, work: new Wakeup() });
const settleAll = (pending: PendingKeys, batch: PendingBatch): void => {
  batch.keys.forEach((name, at) => {
    const touch = batch.touches[at];
    if (touch !== undefined) pending.settle(name, touch);
  });
};

describe('pending keys', () => {
  it('gives keys out in the order of their first touch', () => {
    const pending = pendingKeys();
    for (const name of ['a', 'b', 'a', 'c']) pending.touch(key(name), 'del', 1);
    expect(pending.take(10, 'all').keys).toEqual(['a', 'b', 'c']);
  });

  it('keeps the first time and the last cause of a key that is touched again', () => {
    const pending = pendingKeys();
    pending.touch(key('a'), 'del', 1);
    pending.touch(key('a'), 'expired', 2);
    expect(pending.take(1, 'all').touches).toMatchObject([{ goneOp: 'expired', seenAt: 1 }]);
  });

  it('keeps the cause and the time of each key, whether or not they are those of the key before it', () => {
    const pending = pendingKeys();
    const touched = [
      ['a', 'del', 1],
      ['b', 'del', 1],
      ['c', 'expired', 1],
      ['d', 'expired', 2],
      ['e', 'del', 2],
    ] as const;
    for (const [name, goneOp, seenAt] of touched) pending.touch(key(name), goneOp, seenAt);
    const { keys, touches } = pending.take(10, 'all');
    expect(keys.map((name, at) => [name, touches[at]?.goneOp, touches[at]?.seenAt])).toEqual(touched);
  });

  it('keeps apart what it learns of keys that were touched in the same moment', async () => {
    const pending = pendingKeys();
    for (const name of ['a', 'b', 'c', 'd']) pending.touch(key(name), 'del', 1);
    pending.touch(key('b'), 'expired', 1);
    const awaited = pending.touchAndAwait(key('c'), 'del', 1);
    pending.touchInBackground(key('d'), 'del', 1, true);
    const batch = pending.take(10, 'all');
    expect(batch.keys).toEqual(['a', 'b', 'c', 'd']);
    expect(batch.touches.map(({ goneOp }) => goneOp)).toEqual(['del', 'expired', 'del', 'del']);
    expect(batch.touches.map(({ again }) => again)).toEqual([undefined, undefined, undefined, true]);
    pending.touch(key('a'), 'evicted', 2);
    settleAll(pending, batch);
    await awaited;
    expect(pending.take(10, 'all')).toMatchObject({ keys: ['a'], touches: [{ goneOp: 'evicted', seenAt: 2 }] });
    expect(pending.size).toBe(1);
  });

  it('does not give a key out while it is in flight, and gives it out again once it settled if it was touched (I2)', () => {
    const pending = pendingKeys();
    pending.touch(key('a'), 'del', 1);
    const first = pending.take(10, 'all');
    pending.touch(key('a'), 'evicted', 2);
    expect(pending.take(10, 'all').keys).toEqual([]);
    settleAll(pending, first);
    expect(pending.take(10, 'all')).toMatchObject({ keys: ['a'], touches: [{ goneOp: 'evicted', seenAt: 2 }] });
  });

  it('gives live keys out ahead of those of a reconcile, which still get a tenth of a batch', () => {
    const pending = pendingKeys();
    pending.beginReconcile();
    for (let n = 0; n < 30; n += 1) pending.touchInBackground(key(`r${n}`), 'del', 1);
    for (let n = 0; n < 30; n += 1) pending.touch(key(`l${n}`), 'del', 1);
    const { keys } = pending.take(20, 'all');
    expect(keys.filter((name) => name.startsWith('l'))).toHaveLength(20);
    expect(keys.filter((name) => name.startsWith('r'))).toHaveLength(2);
  });

  describe('a key that is to be published again', () => {
    const again = (pending: PendingKeys): void => {
      pending.touchInBackground(key('a'), 'del', 1, true);
    };
    const taken = (pending: PendingKeys) => pending.take(1, 'all').touches;

    it('stays so where it waited already, and where a live touch moves it ahead', () => {
      const pending = pendingKeys();
      pending.touch(key('a'), 'del', 1);
      again(pending);
      expect(taken(pending)).toMatchObject([{ live: true, again: true }]);
      const moved = pendingKeys();
      again(moved);
      moved.touch(key('a'), 'expired', 2);
      expect(taken(moved)).toMatchObject([{ live: true, again: true, goneOp: 'expired' }]);
    });

    it('is read once more where it is in flight, whatever touched it there, and where it is given back', () => {
      const pending = pendingKeys();
      pending.touch(key('a'), 'del', 1);
      const flying = pending.take(1, 'all');
      pending.touch(key('a'), 'del', 2);
      again(pending);
      settleAll(pending, flying);
      const second = pending.take(1, 'all');
      expect(second.touches).toMatchObject([{ live: true, again: true }]);
      settleAll(pending, second);
      pending.touch(key('a'), 'del', 3);
      const [touch] = pending.take(1, 'all').touches;
      again(pending);
      if (touch !== undefined) pending.giveBack(key('a'), touch);
      expect(taken(pending)).toMatchObject([{ live: true, again: true }]);
    });

    it('is so once', () => {
      const pending = pendingKeys();
      again(pending);
      settleAll(pending, pending.take(1, 'all'));
      pending.touchInBackground(key('a'), 'del', 3);
      expect(taken(pending)[0]?.again).toBeUndefined();
    });
  });

  it('leaves the keys of a reconcile alone when only live ones are asked for', () => {
    const pending = pendingKeys();
    pending.beginReconcile();
    pending.touchInBackground(key('r'), 'del', 1);
    expect(pending.take(20, 'live').keys).toEqual([]);
  });

  it('moves a reconcile key to the front when it is touched live, and the reconcile still waits for it', () => {
    const pending = pendingKeys();
    pending.beginReconcile();
    pending.touchInBackground(key('a'), 'del', 1);
    pending.touch(key('a'), 'del', 2);
    const batch = pending.take(1, 'live');
    expect(batch.keys).toEqual(['a']);
    expect(pending.reconciling).toBe(1);
    settleAll(pending, batch);
    expect(pending.reconciling).toBe(0);
  });

  it('reads a key again that a reconcile touched while it was in flight (I3)', () => {
    const pending = pendingKeys();
    pending.touch(key('a'), 'del', 1);
    const readBefore = pending.take(1, 'all');
    pending.beginReconcile();
    pending.touchInBackground(key('a'), 'del', 2);
    settleAll(pending, readBefore);
    expect(pending.reconciling).toBe(1);
    settleAll(pending, pending.take(1, 'all'));
    expect(pending.reconciling).toBe(0);
  });

  it('forgets the keys of an abandoned reconcile when the next one begins, without losing them', () => {
    const pending = pendingKeys();
    pending.beginReconcile();
    pending.touchInBackground(key('a'), 'del', 1);
    pending.touchInBackground(key('b'), 'del', 1);
    const inFlight = pending.take(1, 'all');
    pending.beginReconcile();
    expect(pending.reconciling).toBe(0);
    settleAll(pending, inFlight);
    expect(pending.reconciling).toBe(0);
    expect(pending.take(10, 'all').keys).toEqual(['b']);
  });

  it('keeps a key that was given back, with what came meanwhile', () => {
    const pending = pendingKeys();
    pending.beginReconcile();
    pending.touchInBackground(key('a'), 'del', 1);
    const batch = pending.take(1, 'all');
    pending.touch(key('a'), 'expired', 2);
    batch.keys.forEach((name, at) => {
      const touch = batch.touches[at];
      if (touch !== undefined) pending.giveBack(name, touch);
    });
    const again = pending.take(1, 'live');
    expect(again).toMatchObject({ keys: ['a'], touches: [{ goneOp: 'expired', live: true }] });
    expect(pending.reconciling).toBe(1);
    settleAll(pending, again);
    expect(pending.reconciling).toBe(0);
  });

  it('refuses new keys beyond its bound, takes those that already wait, and has room again once keys settled (I9)', () => {
    const pending = pendingKeys(1_000);
    let taken = 0;
    while (pending.touch(key(`key${taken}`), 'del', 1)) taken += 1;
    expect(taken).toBeGreaterThan(2);
    expect(pending.touch(key('key0'), 'expired', 2)).toBe(true);
    settleAll(pending, pending.take(taken, 'all'));
    expect(pending.fillShare).toBe(0);
    expect(pending.touch(key('new'), 'del', 3)).toBe(true);
  });

  it('has no bytes left on its account when everything has settled, whatever came meanwhile', () => {
    const pending = pendingKeys();
    pending.touch(key('a'), 'del', 1);
    const first = pending.take(1, 'all');
    pending.touch(key('a'), 'del', 2);
    settleAll(pending, first);
    settleAll(pending, pending.take(1, 'all'));
    expect(pending.fillShare).toBe(0);
    expect(pending.size).toBe(0);
  });

  it('tells who awaits a key once it was read after the touch, not when an earlier read settles', async () => {
    const pending = pendingKeys();
    pending.touch(key('a'), 'del', 1);
    const readBefore = pending.take(1, 'all');
    let isRead = false;
    const awaited = pending.touchAndAwait(key('a'), 'del', 2).then(() => (isRead = true));
    settleAll(pending, readBefore);
    await Promise.resolve();
    expect(isRead).toBe(false);
    settleAll(pending, pending.take(1, 'all'));
    await expect(awaited).resolves.toBe(true);
  });

  it('takes a key that is awaited beyond its bound', () => {
    const pending = pendingKeys(1_000);
    for (let n = 0; pending.touch(key(`key${n}`), 'del', 1); n += 1);
    const { size } = pending;
    void pending.touchAndAwait(key('awaited'), 'del', 1);
    expect(pending.size).toBe(size + 1);
  });

  it('tells who waits for work that a key has come', async () => {
    const work = new Wakeup();
    const pending = new PendingKeys({ maxBytes: 1_000, work });
    const woken = work.wait();
    pending.touch(key('a'), 'del', 1);
    await expect(woken).resolves.toBeUndefined();
  });
});
