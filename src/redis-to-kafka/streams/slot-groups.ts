import { slotOf } from '../../clients/redis/cluster/slots.ts';
import type { Reading } from './reading.ts';

/** Streams that one command may read. */
export interface SlotGroup {
  /** undefined where there is no cluster: then all are in one group. */
  readonly slot: number | undefined;
  readonly readings: readonly Reading[];
}

export const slotGroups = (readings: readonly Reading[], isCluster: boolean): readonly SlotGroup[] => {
  if (readings.length === 0) return [];
  if (!isCluster) return [{ slot: undefined, readings }];
  return [...Map.groupBy(readings, ({ name }) => slotOf(name))].map(([slot, some]) => ({ slot, readings: some }));
};
