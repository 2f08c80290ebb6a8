import type { RedisConnection } from '../../clients/redis/port.ts';
import type { Clock } from '../../core/clock.ts';
import { isKeyferryError } from '../../core/errors.ts';
import type { PauseSwitch } from '../../core/pause-switch.ts';
import { isTransient } from '../../core/retry.ts';
import type { Carrier } from './carrier.ts';
import type { Patience } from '../patience.ts';
import { type GroupMember, type Portion, measure, readEntries } from './read-entries.ts';
import { ReadSize } from './read-size.ts';
import type { SlotGroup } from './slot-groups.ts';
import type { StreamSet } from './stream-set.ts';

/** Shorter than the client's patience with a silent server, and short enough to stop, and to notice new streams. */
const BLOCK_MS = 500;
const REFUSED_PAUSE_MS = 100;
/** Before another try at streams whose master is away, while others are read. */
const AWAY_MS = 500;
/** A blocking read costs Redis half a microsecond for each stream: with thousands, each read is to gather more. */
const STREAMS_PER_RESTING_MS = 200;
/** Between reads that do not wait, where they bring nothing; each costs Redis some microseconds for each slot. */
const IDLE_MS = 20;
const SLOTS_PER_IDLE_MS = 10;
/** Redis' words where a stream or its group is gone, was made anew meanwhile, or where the key is of another type. */
const CHANGED = /NOGROUP|UNBLOCKED|WRONGTYPE/;

export interface ReadStreamsOptions extends GroupMember {
  /** A connection of its own: a read waits for entries. */
  readonly reader: RedisConnection;
  readonly streams: StreamSet;
  readonly carrier: Carrier;
  /** Entries read at once from a stream, at most. */
  readonly batch: number;
  /** While it is paused nothing is read; what a read under way brings is carried. */
  readonly pause: PauseSwitch;
  readonly patience: Patience;
  readonly clock: Clock;
}

/** Reads and hands on, until the signal. @throws KF_SOURCE_STOPPED, KF_REDIS_AUTH, KF_REDIS_PERMISSION, KF_REDIS_REFUSED */
export const readStreams = async (options: ReadStreamsOptions, signal: AbortSignal): Promise<void> => {
  const { streams, carrier, pause, patience, clock } = options;
  const size = new ReadSize(options.batch);
  const rounds = new Rounds(options, signal);
  const isStopped = (): boolean => signal.aborted;
  while (!isStopped()) {
    await carrier.room(signal);
    await pause.passable(signal);
    if (isStopped()) return;
    const count = size.for(streams.readings.length);
    const portions = await patience.tryUntilDone('read', signal, () => rounds.read(count));
    if (portions === undefined) return;
    size.saw(measure(portions, count));
    await carrier.carry(portions);
    const restMs = Math.floor(streams.readings.length / STREAMS_PER_RESTING_MS);
    if (restMs > 0 && portions.length > 0) await clock.sleep(restMs, signal);
  }
};

/**
 * Reads all streams in turn. In a cluster one command reads those of one slot: where there are several slots no command
 * waits, for it would hold up the others, and those whose master is away rest while the others go on.
 */
class Rounds {
  readonly #options: ReadStreamsOptions;
  readonly #signal: AbortSignal;
  /** By slot: not to be read before, on the monotonic clock. */
  readonly #restsUntil = new Map<number | undefined, number>();

  constructor(options: ReadStreamsOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** @throws where no stream can be read. */
  async read(count: number): Promise<readonly Portion[]> {
    const { streams, clock } = this.#options;
    const groups = streams.groups.filter(({ slot }) => (this.#restsUntil.get(slot) ?? 0) <= clock.monotonic());
    if (groups.length === 0) {
      await clock.sleep(streams.groups.length === 0 ? BLOCK_MS : IDLE_MS, this.#signal);
      return [];
    }
    const results = await this.#ask(groups, count);
    const portions = results.flatMap((result) => (result instanceof Error ? [] : result));
    const hasChanged = this.#judge(groups, results);
    if (hasChanged && portions.length === 0) {
      await streams.survey();
      await clock.sleep(REFUSED_PAUSE_MS, this.#signal);
    } else if (hasChanged) {
      // What was read is carried, whatever comes of this: the next round asks again.
      await streams.survey().catch(() => undefined);
    } else if (portions.length === 0 && streams.groups.length > 1) {
      await clock.sleep(Math.max(IDLE_MS, groups.length / SLOTS_PER_IDLE_MS), this.#signal);
    }
    return portions;
  }

  async #ask(groups: readonly SlotGroup[], count: number): Promise<readonly (readonly Portion[] | Error)[]> {
    const { reader, streams, group, consumer } = this.#options;
    const blockMs = streams.groups.length === 1 ? BLOCK_MS : undefined;
    const absence = await reader.ready(this.#signal).catch((error: unknown) => error as Error);
    if (absence instanceof Error) return groups.map(() => absence);
    return readEntries(reader, { group, consumer, count, blockMs }, groups);
  }

  /** @returns whether some stream or its group is another than it was. @throws where none could be read. */
  #judge(groups: readonly SlotGroup[], results: readonly (readonly Portion[] | Error)[]): boolean {
    const { patience, clock } = this.#options;
    let hasChanged = false;
    let failures = 0;
    for (const [at, { slot, readings }] of groups.entries()) {
      const result = results[at];
      if (!(result instanceof Error)) {
        patience.succeeded(nameOf(slot));
      } else if (isKeyferryError(result, 'KF_REDIS_REFUSED') && CHANGED.test(result.message)) {
        hasChanged = true;
      } else {
        // Redis may have handed out entries in a reply that was lost.
        for (const reading of readings) reading.recover();
        failures += 1;
        if (!isTransient(result) || failures === groups.length) throw result;
        patience.failed(nameOf(slot), result);
        this.#restsUntil.set(slot, clock.monotonic() + AWAY_MS);
      }
    }
    return hasChanged;
  }
}

const nameOf = (slot: number | undefined): string => `read slot ${slot ?? ''}`;
