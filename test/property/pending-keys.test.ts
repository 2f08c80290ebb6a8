import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KeyName } from '../../src/core/key-name.ts';
import { Wakeup } from '../../src/core/wakeup.ts';
import { PendingKeys, type Touch } from '../../src/redis-to-kafka/converge/pending-keys.ts';

type Step =
  | { readonly do: 'touch' | 'background'; readonly key: string }
  | { readonly do: 'take'; readonly limit: number }
  | { readonly do: 'settle' | 'giveBack'; readonly pick: number }
  | { readonly do: 'reconcile' };

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('touch' as const, 'background' as const), key }),
  fc.record({ do: fc.constant('take' as const), limit: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ do: fc.constantFrom('settle' as const, 'giveBack' as const), pick: fc.nat(9) }),
  fc.record({ do: fc.constant('reconcile' as const) }),
);

/** What must be true of each key, kept the simple way. */
class Model {
  /** In flight, with its touch. */
  readonly inFlight = new Map<KeyName, Touch>();
  /** Touched since it was last taken: it must be given out again. */
  readonly dirty = new Set<KeyName>();
  /** The running reconcile waits for these. */
  readonly awaited = new Set<KeyName>();
}

const run = (pending: PendingKeys, model: Model, one: Step): void => {
  switch (one.do) {
    case 'touch':
      expect(pending.touch(one.key as KeyName, 'del', 1)).toBe(true);
      model.dirty.add(one.key as KeyName);
      return;
    case 'background':
      pending.touchInBackground(one.key as KeyName, 'del', 1);
      model.dirty.add(one.key as KeyName);
      model.awaited.add(one.key as KeyName);
      return;
    case 'reconcile':
      pending.beginReconcile();
      model.awaited.clear();
      return;
    case 'take': {
      const { keys, touches } = pending.take(one.limit, 'all');
      keys.forEach((name, at) => {
        expect(model.inFlight.has(name), `${name} is in flight and must not be given out (I2)`).toBe(false);
        expect(model.dirty.delete(name), `${name} was given out untouched`).toBe(true);
        model.inFlight.set(name, touches[at] as Touch);
      });
      return;
    }
    case 'settle':
    case 'giveBack': {
      const [name, touch] = [...model.inFlight][one.pick % Math.max(model.inFlight.size, 1)] ?? [];
      if (name === undefined || touch === undefined) return;
      model.inFlight.delete(name);
      if (one.do === 'settle') {
        pending.settle(name, touch);
        // A touch that came meanwhile keeps the reconcile waiting: the state may have been read before it (I3).
        if (!model.dirty.has(name)) model.awaited.delete(name);
      } else {
        pending.giveBack(name, touch);
        model.dirty.add(name);
      }
    }
  }
};

describe('pending keys, whatever happens in whatever order', () => {
  it('give each dirty key out once at a time, lose none, and end with empty accounts', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const pending = new PendingKeys({ maxBytes: 1_000_000, work: new Wakeup() });
        const model = new Model();
        pending.beginReconcile();
        for (const one of steps) {
          run(pending, model, one);
          expect(pending.size).toBe(new Set([...model.dirty, ...model.inFlight.keys()]).size);
          // Never done before the model is: a reconcile that ends early would close a gap too soon (I3).
          if (model.awaited.size > 0) expect(pending.reconciling).toBeGreaterThan(0);
        }
        while (pending.size > 0) {
          run(pending, model, { do: 'take', limit: 3 });
          while (model.inFlight.size > 0) run(pending, model, { do: 'settle', pick: 0 });
        }
        expect([...model.dirty]).toEqual([]);
        expect([pending.reconciling, pending.fillShare]).toEqual([0, 0]);
      }),
    );
  });
});
