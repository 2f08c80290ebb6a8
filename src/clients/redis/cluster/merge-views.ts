import { SLOT_COUNT } from '../fixed-topology.ts';
import type { RedisMaster, SlotRange } from '../port.ts';
import type { ClusterNode, ClusterView } from './cluster-view.ts';

/**
 * The masters by what several nodes tell. As among the nodes themselves, a slot is of whoever claims it with the
 * greatest epoch: a view that is behind does no harm. A master that has no slots yet, or has given all away, is among
 * them; one that is only said to be one by some is not.
 */
export const mergeViews = (views: readonly ClusterView[]): readonly RedisMaster[] => {
  const owners = ownersOf(views);
  const nodes = new Map<string, ClusterNode>();
  const demoted = new Set<string>();
  for (const node of views.flatMap((view) => view.nodes)) {
    if (!node.isMaster || !node.isHealthy) demoted.add(node.id);
    const known = nodes.get(node.id);
    if (known === undefined || node.configEpoch >= known.configEpoch) nodes.set(node.id, node);
  }
  return [...nodes.values()]
    .filter(({ id, isMaster }) => owners.has(id) || (isMaster && !demoted.has(id)))
    .map(({ id, host, port }) => ({ id, host, port, slots: owners.get(id) ?? [] }))
    .sort((a, b) => first(a) - first(b) || (a.id < b.id ? -1 : 1));
};

const first = ({ slots }: RedisMaster): number => slots[0]?.first ?? SLOT_COUNT;

/** Ranges of slots by the id of their owner. */
const ownersOf = (views: readonly ClusterView[]): ReadonlyMap<string, readonly SlotRange[]> => {
  const owner: (ClusterNode | undefined)[] = Array.from({ length: SLOT_COUNT });
  const claims = views.flatMap(({ nodes }) => nodes).filter(({ isMaster }) => isMaster);
  for (const claim of claims) {
    for (const { first, last } of claim.slots) {
      for (let slot = first; slot <= last; slot += 1) {
        const standing = owner[slot];
        if (standing === undefined || claim.configEpoch > standing.configEpoch) owner[slot] = claim;
      }
    }
  }
  const ranges = new Map<string, SlotRange[]>();
  for (let slot = 0; slot < SLOT_COUNT;) {
    const id = owner[slot]?.id;
    const begin = slot;
    while (slot < SLOT_COUNT && owner[slot]?.id === id) slot += 1;
    if (id === undefined) continue;
    const own = ranges.get(id) ?? [];
    own.push({ first: begin, last: slot - 1 });
    ranges.set(id, own);
  }
  return ranges;
};
