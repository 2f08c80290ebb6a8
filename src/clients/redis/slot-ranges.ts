import { SLOT_COUNT } from './fixed-topology.ts';
import type { SlotRange } from './port.ts';

type Ranges = readonly SlotRange[];

export const hasSlot = (ranges: Ranges, slot: number): boolean =>
  ranges.some(({ first, last }) => slot >= first && slot <= last);

export const slotCount = (ranges: Ranges): number =>
  ranges.reduce((count, { first, last }) => count + last - first + 1, 0);

/** Whether they are all there are: so it is where there is no cluster. */
export const areAllSlots = (ranges: Ranges): boolean => slotCount(ranges) === SLOT_COUNT;

export const haveCommonSlot = (ranges: Ranges, others: Ranges): boolean =>
  ranges.some(({ first, last }) => others.some((other) => first <= other.last && other.first <= last));

/** Those of the slots that none of the others has. */
export const slotsWithout = (ranges: Ranges, others: readonly Ranges[]): Ranges => {
  const taken = new Uint8Array(SLOT_COUNT);
  for (const { first, last } of others.flat()) taken.fill(1, first, last + 1);
  const left: SlotRange[] = [];
  for (const { first, last } of ranges) {
    for (let slot = first; slot <= last; slot += 1) {
      const before = left.at(-1);
      if (taken[slot] === 1) continue;
      if (before?.last === slot - 1) left[left.length - 1] = { first: before.first, last: slot };
      else left.push({ first: slot, last: slot });
    }
  }
  return left;
};
