import type { RedisConnection } from '../../clients/redis/port.ts';
import type { Clock } from '../../core/clock.ts';
import { isKeyferryError } from '../../core/errors.ts';
import type { Carrier } from './carrier.ts';
import type { Patience } from './patience.ts';
import { type GroupMember, type Portion, measure, readEntries } from './read-entries.ts';
import { ReadSize } from './read-size.ts';
import type { StreamSet } from './stream-set.ts';

/** Shorter than the client's patience with a silent server, and short enough to stop, and to notice new streams. */
const BLOCK_MS = 500;
const REFUSED_PAUSE_MS = 100;
/** A blocking read costs Redis half a microsecond for each stream: with thousands, each read is to gather more. */
const STREAMS_PER_RESTING_MS = 200;
/** Redis' words where a stream or its group is gone, was made anew meanwhile, or where the key is of another type. */
const CHANGED = /NOGROUP|UNBLOCKED|WRONGTYPE/;

export interface ReadStreamsOptions extends GroupMember {
  /** A connection of its own: a read waits for entries. */
  readonly reader: RedisConnection;
  readonly streams: StreamSet;
  readonly carrier: Carrier;
  /** Entries read at once from a stream, at most. */
  readonly batch: number;
  readonly patience: Patience;
  readonly clock: Clock;
}

/** Reads and hands on, until the signal. @throws KF_SOURCE_STOPPED, KF_REDIS_AUTH, KF_REDIS_PERMISSION, KF_REDIS_REFUSED */
export const readStreams = async (options: ReadStreamsOptions, signal: AbortSignal): Promise<void> => {
  const { streams, carrier, patience, clock } = options;
  const size = new ReadSize(options.batch);
  while (!signal.aborted) {
    await carrier.room(signal);
    const count = size.for(streams.readings.length);
    const portions = await patience.tryUntilDone('read', signal, () => readOnce(options, count, signal));
    if (portions === undefined) return;
    size.saw(measure(portions, count));
    await carrier.carry(portions);
    const restMs = Math.floor(streams.readings.length / STREAMS_PER_RESTING_MS);
    if (restMs > 0 && portions.length > 0) await clock.sleep(restMs, signal);
  }
};

const readOnce = async (
  { reader, streams, group, consumer, clock }: ReadStreamsOptions,
  count: number,
  signal: AbortSignal,
): Promise<readonly Portion[]> => {
  const { readings } = streams;
  if (readings.length === 0) {
    await clock.sleep(BLOCK_MS, signal);
    return [];
  }
  try {
    await reader.ready(signal);
    return await readEntries(reader, { group, consumer, count, blockMs: BLOCK_MS }, readings);
  } catch (error) {
    if (isKeyferryError(error, 'KF_REDIS_REFUSED') && CHANGED.test(error.message)) {
      await streams.survey();
      await clock.sleep(REFUSED_PAUSE_MS, signal);
      return [];
    }
    // Redis may have handed out entries in a reply that was lost.
    for (const reading of readings) reading.recover();
    throw error;
  }
};
