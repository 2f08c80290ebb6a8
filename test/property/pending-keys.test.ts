import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KeyName } from '../../src/core/key-name.ts';
import { Wakeup } from '../../src/core/wakeup.ts';
import { PendingKeys, type Touch } from '../../src/redis-to-kafka/converge/pending-keys.ts';

type Step =
  | { readonly do: 'touch' | 'background' | 'await'; readonly key: string }
  | { readonly do: 'take'; readonly limit: number }
  | { readonly do: 'settle' | 'giveBack'; readonly pick: number }
  | { readonly do: 'reconcile' };

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('touch' as const, 'background' as const, 'await' as const), key }),
  fc.record({ do: fc.constant('take' as const), limit: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ do: fc.constantFrom('settle' as const, 'giveBack' as const), pick: fc.nat(9) }),
  fc.record({ do: fc.constant('reconcile' as const) }),
);

/** Somebody who waits until a key has been read after the touch. */
interface Waiter {
  readonly key: KeyName;
  /** Whether the key was given out since. */
  isTaken: boolean;
  /** Whether it may go on now. */
  isDue: boolean;
  isDone: boolean;
}

/** What must be true of each key, kept the simple way. */
class Model {
  /** In flight, with its touch. */
  readonly inFlight = new Map<KeyName, Touch>();
  /** Touched since it was last taken: it must be given out again. */
  readonly dirty = new Set<KeyName>();
  /** The running reconcile touched these: as they wait, and as they are in flight. */
  readonly awaited = new Set<KeyName>();
  readonly awaitedInFlight = new Set<KeyName>();
  readonly waiters: Waiter[] = [];

  waitersOf(key: KeyName): readonly Waiter[] {
    return this.waiters.filter((waiter) => waiter.key === key && !waiter.isDue);
  }
}

const run = (pending: PendingKeys, model: Model, one: Step): void => {
  switch (one.do) {
    case 'touch':
      expect(pending.touch(one.key as KeyName, 'del', 1)).toBe(true);
      model.dirty.add(one.key as KeyName);
      return;
    case 'await': {
      const waiter = { key: one.key as KeyName, isTaken: false, isDue: false, isDone: false };
      model.waiters.push(waiter);
      void pending.touchAndAwait(waiter.key, 'del', 1).then(() => (waiter.isDone = true));
      model.dirty.add(waiter.key);
      return;
    }
    case 'background':
      pending.touchInBackground(one.key as KeyName, 'del', 1);
      model.dirty.add(one.key as KeyName);
      model.awaited.add(one.key as KeyName);
      return;
    case 'reconcile':
      pending.beginReconcile();
      model.awaited.clear();
      model.awaitedInFlight.clear();
      return;
    case 'take': {
      const { keys, touches } = pending.take(one.limit, 'all');
      keys.forEach((name, at) => {
        expect(model.inFlight.has(name), `${name} is in flight and must not be given out (I2)`).toBe(false);
        expect(model.dirty.delete(name), `${name} was given out untouched`).toBe(true);
        model.inFlight.set(name, touches[at] as Touch);
        for (const waiter of model.waitersOf(name)) waiter.isTaken = true;
        if (model.awaited.delete(name)) model.awaitedInFlight.add(name);
      });
      return;
    }
    case 'settle':
    case 'giveBack': {
      const [name, touch] = [...model.inFlight][one.pick % Math.max(model.inFlight.size, 1)] ?? [];
      if (name === undefined || touch === undefined) return;
      model.inFlight.delete(name);
      const isAwaited = model.awaitedInFlight.delete(name);
      for (const waiter of model.waitersOf(name)) {
        if (one.do === 'settle') waiter.isDue = waiter.isTaken;
        waiter.isTaken = false;
      }
      if (one.do === 'settle') {
        // A touch of the reconcile that came meanwhile is waited for still: the state may have been read before it (I3).
        pending.settle(name, touch);
      } else {
        pending.giveBack(name, touch);
        model.dirty.add(name);
        if (isAwaited) model.awaited.add(name);
      }
    }
  }
};

describe('pending keys, whatever happens in whatever order', () => {
  it('give each dirty key out once at a time, lose none, tell who waits, and end with empty accounts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async (steps) => {
        const pending = new PendingKeys({ maxBytes: 1_000_000, work: new Wakeup() });
        const model = new Model();
        pending.beginReconcile();
        for (const one of steps) {
          run(pending, model, one);
          expect(pending.size).toBe(new Set([...model.dirty, ...model.inFlight.keys()]).size);
          // Exactly: a reconcile that ends early would close a gap too soon (I3), one that never ends would close none.
          expect(pending.reconciling).toBe(model.awaited.size + model.awaitedInFlight.size);
          await Promise.resolve();
          // Not before: what was read then may be older than what the waiter wrote.
          for (const waiter of model.waiters) expect(waiter.isDone).toBe(waiter.isDue);
        }
        while (pending.size > 0) {
          run(pending, model, { do: 'take', limit: 3 });
          while (model.inFlight.size > 0) run(pending, model, { do: 'settle', pick: 0 });
        }
        await Promise.resolve();
        expect(model.waiters.every(({ isDone }) => isDone)).toBe(true);
        expect([...model.dirty]).toEqual([]);
        expect([pending.reconciling, pending.fillShare]).toEqual([0, 0]);
      }),
    );
  });
});
