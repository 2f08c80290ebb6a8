import { slotOf } from '../../clients/redis/cluster/slots.ts';
import type { RedisMaster, RedisTopology } from '../../clients/redis/port.ts';
import { hasSlot } from '../../clients/redis/slot-ranges.ts';
import type { Reading } from './reading.ts';

/**
 * A replica that takes over may lack what its master was last told: entries handed out may be unread there, and
 * acknowledged ones pending. So what is pending of a stream is read again once another master has it.
 * @returns what ends it.
 */
export const followOwners = (
  topology: Pick<RedisTopology, 'masters' | 'onChange'>,
  readings: () => readonly Reading[],
): (() => void) => {
  let before = topology.masters;
  return topology.onChange((masters) => {
    for (const reading of readings()) {
      const slot = slotOf(reading.name);
      if (ownerOf(slot, before) !== ownerOf(slot, masters)) reading.recover();
    }
    before = masters;
  });
};

const ownerOf = (slot: number, masters: readonly RedisMaster[]): string | undefined =>
  masters.find(({ slots }) => hasSlot(slots, slot))?.id;
