import { SLOT_COUNT } from './fixed-topology.ts';
import type { SlotRange } from './port.ts';

type Ranges = readonly SlotRange[];

export const hasSlot = (ranges: Ranges, slot: number): boolean =>
  ranges.some(({ first, last }) => slot >= first && slot <= last);

/** Whether they are all there are: so it is where there is no cluster. */
export const areAllSlots = (ranges: Ranges): boolean =>
  ranges.reduce((count, { first, last }) => count + last - first + 1, 0) === SLOT_COUNT;

export const haveCommonSlot = (ranges: Ranges, others: Ranges): boolean =>
  ranges.some(({ first, last }) => others.some((other) => first <= other.last && other.first <= last));
