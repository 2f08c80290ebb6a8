import { beforeEach, expect, test } from 'vitest';
import type { KeyName } from '../../../../src/core/key-name.ts';
import { Wakeup } from '../../../../src/core/wakeup.ts';
import { ParkedKeys } from '../../../../src/redis-to-kafka/converge/parked-keys.ts';
import { PendingKeys } from '../../../../src/redis-to-kafka/converge/pending-keys.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const MAX_BYTES = 10_000;

let clock: FakeClock;
let pending: PendingKeys;
let parked: ParkedKeys;
let forgotten: string[];

const key = (name: string): KeyName => name as KeyName;

beforeEach(() => {
  clock = new FakeClock();
  pending = new PendingKeys({ maxBytes: MAX_BYTES, work: new Wakeup() });
  forgotten = [];
  parked = new ParkedKeys({ pending, clock, onForgotten: (name) => forgotten.push(name) });
});

/** As the converger does with keys that cannot be read. */
const parkAll = (): void => {
  const { keys, touches } = pending.take(1_000, 'all');
  keys.forEach((name, at) => {
    const touch = touches[at];
    if (touch !== undefined) parked.park(name, touch);
  });
};

const readInVainFor = async (ms: number): Promise<void> => {
  for (let passed = 0; passed < ms; passed += 200) {
    parkAll();
    await clock.advance(200);
  }
  parkAll();
};

test('keys that cannot be read wait again after a while, all of them', async () => {
  for (const name of ['a', 'b']) pending.touch(key(name), 'del', 0);
  parkAll();
  expect([parked.size, pending.take(10, 'all').keys]).toEqual([2, []]);
  await clock.advance(200);
  expect(pending.take(10, 'all').keys).toEqual(['a', 'b']);
  expect(forgotten).toEqual([]);
});

test('those of a master that is away leave the pending set to the others: the rest is a gap (I9)', async () => {
  let count = 0;
  while (pending.touch(key(`away:${count}`), 'del', 0)) count += 1;
  parkAll();
  expect(pending.fillShare).toBeLessThan(0.25);
  expect(parked.size + forgotten.length).toBe(count);
  expect(pending.size).toBe(parked.size);
  expect(pending.touch(key('another'), 'del', 0)).toBe(true);
  await readInVainFor(1_000);
  expect(pending.fillShare).toBeLessThan(0.25);
});

test('a reconcile does not wait for ever for a key that cannot be read: it is told of, then forgotten (I3)', async () => {
  pending.beginReconcile();
  pending.touchInBackground(key('moved'), 'del', 0);
  await readInVainFor(9_000);
  expect([pending.reconciling, forgotten]).toEqual([1, []]);
  await readInVainFor(1_000);
  expect([pending.reconciling, pending.size, forgotten]).toEqual([0, 0, ['moved']]);
  expect(pending.fillShare).toBe(0);
});

test('a key that only a notification told of waits for as long as its master is away', async () => {
  pending.touch(key('a'), 'expired', 0);
  await readInVainFor(60_000);
  expect([parked.size, forgotten]).toEqual([1, []]);
});

test('a key that somebody awaits is not forgotten, whatever else is', async () => {
  void pending.touchAndAwait(key('awaited'), 'del', 0);
  pending.beginReconcile();
  pending.touchInBackground(key('awaited'), 'del', 0);
  await readInVainFor(20_000);
  expect([parked.size, forgotten]).toEqual([1, []]);
});

test('a key that was touched while it was read in vain is forgotten as little as the touch is', async () => {
  pending.beginReconcile();
  pending.touchInBackground(key('a'), 'del', 0);
  await readInVainFor(9_800);
  parked.release();
  const { touches } = pending.take(1, 'all');
  pending.touch(key('a'), 'evicted', 0);
  await clock.advance(400);
  const [touch] = touches;
  if (touch !== undefined) parked.park(key('a'), touch);
  expect(forgotten).toEqual(['a']);
  expect(pending.take(1, 'all').keys).toEqual(['a']);
});
