import { slotOf, tagOfSlot } from '../../clients/redis/cluster/slots.ts';
import { RESERVED_PREFIX } from '../../core/key-name.ts';

/** The keys that a source uses for one list, all of one hash slot. */
export interface ListKeys {
  readonly list: Buffer;
  /** A list of items that were taken and that Kafka is not known to hold, the first one first. */
  readonly processing: Buffer;
  /** A string: whose the processing list is, and how many items have left it. */
  readonly mark: Buffer;
}

/**
 * @param source its name, which has no ":".
 * @returns keys that no other list or source has.
 */
export const listKeys = (list: Buffer, source: string): ListKeys => {
  const own = (kind: string): Buffer =>
    Buffer.concat([
      Buffer.from(`${RESERVED_PREFIX}${kind}:{`),
      slotTag(list),
      Buffer.from('}:'),
      list,
      Buffer.from(`:${source}`),
    ]);
  return { list, processing: own('list'), mark: own('list-mark') };
};

const OPEN = 0x7b;
const CLOSE = 0x7d;

/** What puts a key into the slot of this name in Redis Cluster: the name's own hash tag, all of it, or a number. */
const slotTag = (name: Buffer): Buffer => {
  const open = name.indexOf(OPEN);
  const close = open === -1 ? -1 : name.indexOf(CLOSE, open + 1);
  if (close > open + 1) return name.subarray(open + 1, close);
  return name.length > 0 && !name.includes(CLOSE) ? name : Buffer.from(tagOfSlot(slotOf(name)));
};
