import type { RedisConnection, RedisReply } from '../../clients/redis/port.ts';
import { type KeyName, keyName } from '../../core/key-name.ts';
import { arrayOf, bufferOf, textOf } from '../converge/redis-replies.ts';
import type { ReadEntry, Reading } from './reading.ts';

export interface GroupMember {
  readonly group: string;
  /** The name of this consumer within the group. */
  readonly consumer: string;
}

export interface ReadOptions extends GroupMember {
  /** Entries of each stream. */
  readonly count: number;
  /** How long to wait for an entry, where there is none. */
  readonly blockMs: number;
}

/** What one stream gave. */
export interface Portion {
  readonly reading: Reading;
  readonly entries: readonly ReadEntry[];
}

/** Bytes of an entry beside its fields, and of a field beside its own, as they are held here. */
const ENTRY_BYTES = 200;
const FIELD_BYTES = 50;

/**
 * The next entries of all the streams, in one command: it waits only where each of them is read up to its end.
 * @throws KF_REDIS_UNAVAILABLE: entries may have been handed out that did not arrive; KF_REDIS_REFUSED where one stream
 * or group of them is gone.
 */
export const readEntries = async (
  redis: RedisConnection,
  { group, consumer, count, blockMs }: ReadOptions,
  readings: readonly Reading[],
): Promise<readonly Portion[]> => {
  const names = readings.map(({ name }) => name);
  const from = readings.map((reading) => reading.nextFrom());
  const how = ['COUNT', count, 'BLOCK', blockMs, 'STREAMS'];
  const reply = await redis.call('XREADGROUP', 'GROUP', group, consumer, ...how, ...names, ...from);
  if (reply === null) return [];
  const byKey = new Map<KeyName, Reading>(readings.map((reading) => [reading.key, reading]));
  return arrayOf(reply).flatMap((portion) => {
    const [name = null, entries = null] = arrayOf(portion);
    const reading = byKey.get(keyName(bufferOf(name)));
    return reading === undefined ? [] : [{ reading, entries: arrayOf(entries).map(entryOf) }];
  });
};

const entryOf = (reply: RedisReply): ReadEntry => {
  const [id, fields = null] = arrayOf(reply);
  return { id: textOf(id), fields: fields === null ? undefined : arrayOf(fields).map(bufferOf) };
};

/** How much a read brought. */
export const measure = (portions: readonly Portion[], count: number) => {
  let entries = 0;
  let bytes = 0;
  for (const portion of portions) {
    entries += portion.entries.length;
    for (const { fields = [] } of portion.entries) {
      bytes += ENTRY_BYTES;
      for (const field of fields) bytes += FIELD_BYTES + field.length;
    }
  }
  return { count, entries, bytes, isFull: portions.some((portion) => portion.entries.length >= count) };
};
