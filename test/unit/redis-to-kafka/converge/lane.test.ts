import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { KeyName } from '../../../../src/core/key-name.ts';
import { Lane } from '../../../../src/redis-to-kafka/converge/lane.ts';

const KEYS = ['a', 'b', 'c', 'd'] as KeyName[];

const step = fc.oneof(
  fc.record({ does: fc.constant('add' as const), key: fc.constantFrom(...KEYS) }),
  fc.record({ does: fc.constant('take back' as const), key: fc.constantFrom(...KEYS) }),
  fc.record({ does: fc.constant('take' as const), limit: fc.integer({ min: 0, max: 3 }) }),
);

it('gives each key out once that waits, with its latest entry', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const lane = new Lane<number>();
      const waiting = new Map<KeyName, number>();
      steps.forEach((one, at) => {
        if (one.does === 'add' && !waiting.has(one.key)) {
          lane.add(one.key, at);
          waiting.set(one.key, at);
        } else if (one.does === 'add') {
          lane.replace(one.key, at);
          waiting.set(one.key, at);
        } else if (one.does === 'take back') {
          lane.takeBack(one.key);
          waiting.delete(one.key);
        } else {
          const wanted = Math.min(one.limit, waiting.size);
          let taken = 0;
          lane.take(one.limit, (key, entry) => {
            expect(entry).toBe(waiting.get(key));
            waiting.delete(key);
            taken += 1;
          });
          expect(taken).toBe(wanted);
        }
        expect(lane.size).toBe(waiting.size);
        expect(lane.first() !== undefined).toBe(waiting.size > 0);
      });
    }),
    { numRuns: 1_000 },
  );
});

it('gives keys out in the order in which they came, however many have gone', () => {
  const lane = new Lane<number>();
  const name = (at: number): KeyName => `key:${at}` as KeyName;
  let next = 0;
  const take = (limit: number): void => {
    lane.take(limit, (key, entry) => {
      expect([key, entry]).toEqual([name(next), next]);
      next += 1;
    });
  };
  for (let at = 0; at < 10_000; at += 1) {
    lane.add(name(at), at);
    if (at % 3 === 0) take(2);
  }
  take(10_000);
  expect(next).toBe(10_000);
});
