import type { MasterConnections } from '../../clients/redis/master-connections.ts';
import type { RedisConnection } from '../../clients/redis/port.ts';
import type { Clock } from '../../core/clock.ts';
import type { KeyferryError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { PauseSwitch } from '../../core/pause-switch.ts';
import { isTransient } from '../../core/retry.ts';
import type { StreamMetrics } from '../../observability/metrics.ts';
import { claimEntries } from './claim-entries.ts';
import { findStreams } from './find-streams.ts';
import type { Patience } from '../patience.ts';
import type { Reading } from './reading.ts';
import type { StreamSourceOptions } from './stream-options.ts';
import type { StreamSet } from './stream-set.ts';
import { trimStream } from './trim-stream.ts';

/** A search rests so many times as long as its commands take: it goes on beside everything else that Redis does. */
const REST_FACTOR = 10;
const TRIM_EVERY_MS = 1_000;
const SHORTEST_CLAIM_MS = 100;

export interface UpkeepOptions {
  readonly options: StreamSourceOptions;
  readonly globs: readonly string[];
  readonly control: RedisConnection;
  /** The masters, to look for streams; undefined where `control` is a connection to the only one. */
  readonly masters: MasterConnections | undefined;
  readonly streams: StreamSet;
  /** While it is paused nothing is taken over: it would lie here unread. */
  readonly pause: PauseSwitch;
  readonly patience: Patience;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: StreamMetrics;
}

/** What a stream source does beside reading, each at its own interval and over the control connection. */
export class Upkeep {
  readonly #needs: UpkeepOptions;

  constructor(needs: UpkeepOptions) {
    this.#needs = needs;
  }

  /** Before the first read: finds the streams, sees to their groups, and claims what is due, so that it comes first. */
  async begin(): Promise<void> {
    await this.#find(() => Promise.resolve());
    await this.#needs.streams.survey();
    if (this.#needs.options.claimAfterMs > 0) await this.#claim();
  }

  /** Until the signal. @throws KF_REDIS_AUTH, KF_REDIS_PERMISSION, KF_REDIS_REFUSED */
  async run(signal: AbortSignal): Promise<void> {
    const { claimAfterMs, discoverEveryMs, trim } = this.#needs.options;
    const loops = [this.#every('survey', discoverEveryMs, signal, () => this.#survey(signal))];
    if (claimAfterMs > 0)
      loops.push(this.#every('claim', Math.max(claimAfterMs / 2, SHORTEST_CLAIM_MS), signal, () => this.#claim()));
    if (trim === 'acknowledged') loops.push(this.#every('trim', TRIM_EVERY_MS, signal, () => this.#trim()));
    await Promise.all(loops);
  }

  async #every(what: string, everyMs: number, signal: AbortSignal, action: () => Promise<void>): Promise<void> {
    const { clock, control, patience } = this.#needs;
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal);
      await patience.tryUntilDone(what, signal, async () => {
        await control.ready(signal);
        await action();
      });
    }
  }

  async #survey(signal: AbortSignal): Promise<void> {
    const { clock, streams } = this.#needs;
    let start = clock.monotonic();
    const finding = this.#find(async () => {
      await clock.sleep((clock.monotonic() - start) * REST_FACTOR, signal);
      start = clock.monotonic();
    });
    // Where a master is away, the streams of the others are looked at all the same.
    await finding.catch(() => undefined);
    await streams.survey();
    await finding;
  }

  async #find(rest: () => Promise<void>): Promise<void> {
    const { control, masters, globs, streams } = this.#needs;
    if (globs.length === 0) return;
    const onFound = streams.add.bind(streams);
    const { connections, away } = (await masters?.reachable()) ?? { connections: [control], away: undefined };
    for (const connection of connections) await findStreams(connection, globs, { onFound, rest });
    if (away !== undefined) throw away;
  }

  async #claim(): Promise<void> {
    const { control, streams, pause, metrics, logger, options } = this.#needs;
    if (pause.isPaused) return;
    const member = { ...options, minIdleMs: options.claimAfterMs };
    const due = streams.readings.filter(({ pending }) => pending > 0);
    await forEach(due, async (reading) => {
      const { entries, deleted } = await claimEntries(control, member, reading);
      metrics.claimed(entries);
      metrics.entries('deleted', deleted);
      if (entries + deleted === 0) return;
      const stream = reading.name.toString('utf8');
      logger.info({ stream, entries, deleted }, 'entries were taken over from other consumers of the group');
    });
  }

  async #trim(): Promise<void> {
    const { control, streams, metrics } = this.#needs;
    const due = streams.readings.filter(({ mayTrim }) => mayTrim);
    await forEach(due, async (reading) => {
      // An acknowledgement that comes meanwhile sets it again.
      reading.mayTrim = false;
      try {
        const { removed, left } = await trimStream(control, reading);
        metrics.trimmed(removed);
        // What other groups have yet to acknowledge may be removed later.
        if (left > 0) reading.mayTrim = true;
      } catch (error) {
        reading.mayTrim = true;
        throw error;
      }
    });
  }
}

/** A stream whose master is away does not keep the others from their turn. @throws why, at the end */
const forEach = async (readings: readonly Reading[], action: (reading: Reading) => Promise<void>): Promise<void> => {
  let away: KeyferryError | undefined;
  for (const reading of readings) {
    await action(reading).catch((error: unknown) => {
      if (!isTransient(error)) throw error;
      away = error;
    });
  }
  if (away !== undefined) throw away;
};
