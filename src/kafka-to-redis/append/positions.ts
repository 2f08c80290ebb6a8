import { tagOfSlot } from '../../clients/redis/cluster/slots.ts';
import type { RedisConnection } from '../../clients/redis/port.ts';
import { RESERVED_PREFIX } from '../../core/key-name.ts';

/**
 * The hash in which a sink notes, for each topic and partition, the topic's id and the offset appended last. A script that
 * appends writes it too, so it stands in the slot of what it appends to: in a cluster there is one for each slot.
 * @param slot undefined where there is no cluster.
 */
export const positionsKey = (sink: string, slot: number | undefined): Buffer =>
  Buffer.from(`${RESERVED_PREFIX}sink:${slot === undefined ? '' : `{${tagOfSlot(slot)}}:`}${sink}:positions`);

export const positionField = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string =>
  `${topic}/${partition}`;

/** Forgets a partition's position where it lies at or beyond the end of the log: it is then of another topic. */
export const forgetBeyond = async (
  connection: RedisConnection,
  { key, field, end }: { readonly key: Buffer; readonly field: string; readonly end: bigint },
): Promise<void> => {
  const standing = await connection.call('HGET', key, field);
  const offset = Buffer.isBuffer(standing) ? /\d+$/.exec(standing.toString('latin1'))?.[0] : undefined;
  if (offset !== undefined && BigInt(offset) >= end) await connection.call('HDEL', key, field);
};
