import type { RedisCommand, RedisConnection, RedisReply } from '../../clients/redis/port.ts';
import { type KeyName, keyName } from '../../core/key-name.ts';
import { arrayOf, bufferOf, textOf } from '../converge/redis-replies.ts';
import type { ReadEntry, Reading } from './reading.ts';
import type { SlotGroup } from './slot-groups.ts';

export interface GroupMember {
  readonly group: string;
  /** The name of this consumer within the group. */
  readonly consumer: string;
}

export interface ReadOptions extends GroupMember {
  /** Entries of each stream. */
  readonly count: number;
  /** How long to wait for an entry, where there is none; undefined: not at all. */
  readonly blockMs: number | undefined;
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
 * The next entries of all streams of each group, in one command for each, one write for all: a command waits only where
 * each of its streams is read up to its end. Never rejects.
 * @returns for each group its portions, or KF_REDIS_UNAVAILABLE: entries may have been handed out that did not arrive;
 * KF_REDIS_REFUSED where one stream or consumer group of them is gone.
 */
export const readEntries = async (
  redis: RedisConnection,
  options: ReadOptions,
  groups: readonly SlotGroup[],
): Promise<readonly (readonly Portion[] | Error)[]> => {
  const commands = groups.map(({ readings }) => commandOf(readings, options));
  const replies = await redis.pipeline(commands).catch((error: unknown) => commands.map(() => error as Error));
  return groups.map(({ readings }, at) => {
    const reply = replies[at] ?? null;
    return reply instanceof Error ? reply : portionsOf(reply, readings);
  });
};

const commandOf = (readings: readonly Reading[], { group, consumer, count, blockMs }: ReadOptions): RedisCommand => {
  const names = readings.map(({ name }) => name);
  const from = readings.map((reading) => reading.nextFrom());
  const wait = blockMs === undefined ? [] : ['BLOCK', blockMs];
  return ['XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, ...wait, 'STREAMS', ...names, ...from];
};

const portionsOf = (reply: RedisReply, readings: readonly Reading[]): readonly Portion[] => {
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
