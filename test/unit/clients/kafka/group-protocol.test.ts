import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  assignRanges,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../../src/clients/kafka/platformatic/group-protocol.ts';

describe('group protocol', () => {
  it('writes and reads subscriptions and assignments', () => {
    expect(decodeSubscription(encodeSubscription(['a', 'b']))).toEqual(['a', 'b']);
    const assignment = new Map([
      ['a', [0, 1, 5]],
      ['b', []],
    ]);
    expect(decodeAssignment(encodeAssignment(assignment))).toEqual(assignment);
    expect(decodeAssignment(Buffer.alloc(0))).toEqual(new Map());
  });

  it('gives each topic in ranges to its subscribers, in the order of their ids', () => {
    const subscriptions = new Map([
      ['member-2', ['a', 'b']],
      ['member-1', ['a']],
    ]);
    const counts = new Map([
      ['a', 5],
      ['b', 2],
    ]);
    expect(assignRanges(subscriptions, counts)).toEqual(
      new Map([
        ['member-2', new Map([['a', [3, 4]], ['b', [0, 1]]])], // prettier-ignore
        ['member-1', new Map([['a', [0, 1, 2]]])],
      ]),
    );
  });

  it('gives every partition to exactly one member', () => {
    const members = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(members, fc.nat({ max: 40 }), (ids, count) => {
        const assigned = assignRanges(new Map(ids.map((id) => [id, ['t']])), new Map([['t', count]]));
        const shares = ids.map((id) => assigned.get(id)?.get('t') ?? []);
        expect(shares.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, at) => at));
        const sizes = shares.map(({ length }) => length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });
});
