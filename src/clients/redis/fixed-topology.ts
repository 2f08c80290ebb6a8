import { type RedisAddress, addressText } from './address.ts';
import type { RedisTopology, SlotRange } from './port.ts';

export const SLOT_COUNT = 16_384;

export const ALL_SLOTS: readonly SlotRange[] = [{ first: 0, last: SLOT_COUNT - 1 }];

/** One server, which has everything, whatever it calls itself: nobody tells of another. */
export const fixedTopology = ({ host, port }: RedisAddress): RedisTopology => ({
  masters: [{ id: addressText({ host, port }), host, port, slots: ALL_SLOTS }],
  failure: undefined,
  onChange: () => () => undefined,
  ready: () => Promise.resolve(),
  refresh: () => undefined,
  close: () => undefined,
});
