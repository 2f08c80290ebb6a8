import { describe, expect, it } from 'vitest';
import { Positions } from '../../../../src/clients/kafka/positions.ts';

const open = (from: [number, bigint][], ends: [number, bigint][]): [number, bigint][] => [
  ...new Positions(new Map(from), new Map(ends)).open,
];

describe('positions', () => {
  it('begin where they are told, or at the beginning', () => {
    expect(open([[0, 5n]], [[0, 9n], [1, 3n]])).toEqual([[0, 5n], [1, 0n]]); // prettier-ignore
  });

  it('leave out partitions that have nothing to read', () => {
    expect(open([[0, 9n]], [[0, 9n], [1, 0n]])).toEqual([]); // prettier-ignore
  });

  it('begin anew where the given offset is behind the end', () => {
    expect(open([[0, 10n]], [[0, 9n]])).toEqual([[0, 0n]]);
  });

  it('end when every partition has been read to its end', () => {
    const positions = new Positions(new Map(), new Map([[0, 4n]]));
    positions.moveTo(0, 3n);
    expect(positions.open.get(0)).toBe(3n);
    positions.moveTo(0, 7n);
    expect(positions.open.size).toBe(0);
  });
});
