import type { Acknowledgement, OutgoingRecord } from '../../clients/kafka/port.ts';
import type { Clock } from '../../core/clock.ts';
import { type KeyferryError, isKeyferryError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { ChangeWatch } from '../../core/passed-change.ts';
import { Wakeup } from '../../core/wakeup.ts';
import type { Tracer } from '../../core/tracer.ts';
import type { StreamMetrics } from '../../observability/metrics.ts';
import { Publisher, type PublisherOptions } from '../publish/publisher.ts';
import { endSent, endUnsent, placeOf } from '../publish/trace-records.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import type { Entry, EntryRecords } from './entry-records.ts';
import type { Portion } from './read-entries.ts';
import type { Reading } from './reading.ts';

/** What goes out together: the records, and which entries they are of. */
interface Cargo {
  readonly records: OutgoingRecord[];
  readonly entries: { readonly reading: Reading; readonly ids: string[] }[];
}

export interface CarrierOptions extends Pick<PublisherOptions, 'producer' | 'prepare' | 'clock' | 'logger'> {
  readonly records: EntryRecords;
  readonly acknowledgements: Acknowledgements;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: StreamMetrics;
  /** Told of what Kafka has; undefined: nobody ever looks. */
  readonly watch?: ChangeWatch | undefined;
  /** undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /** Kafka takes neither a record nor its dead letter: KF_SOURCE_STOPPED. */
  readonly onStopped: (error: KeyferryError) => void;
}

/**
 * Carries entries from their read to their acknowledgement: record or dead letter, publish, XACK. One queue for all
 * streams: records leave in the order in which their entries were read.
 */
export class Carrier {
  readonly #options: CarrierOptions;
  readonly #publisher: Publisher;
  readonly #room = new Wakeup();
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: CarrierOptions) {
    this.#options = options;
    this.#publisher = new Publisher({
      ...options,
      shrink: (record) => this.#shrink(record),
      onRoom: () => {
        this.#room.notify();
      },
    });
  }

  /** Why Kafka does not take records now. */
  get failure(): KeyferryError | undefined {
    return this.#publisher.failure;
  }

  /** I9: resolves when there is room for another read. */
  async room(signal: AbortSignal): Promise<void> {
    const wake = (): void => {
      this.#room.notify();
    };
    signal.addEventListener('abort', wake, { once: true });
    await this.#room.until(() => signal.aborted || this.#publisher.hasRoom('live'));
    signal.removeEventListener('abort', wake);
  }

  /**
   * Resolves when the entries are queued.
   * @throws KF_SOURCE_STOPPED for one that cannot become a record, once those before it have been carried.
   */
  async carry(portions: readonly Portion[]): Promise<void> {
    const seenAt = this.#options.clock.now();
    const { cargo, stopped } = this.#load(portions, seenAt);
    const sent = this.#send(cargo, seenAt);
    if (stopped === undefined) return;
    await sent;
    throw stopped;
  }

  /** Publishes what is queued, as long as the signal allows. */
  async close(signal: AbortSignal): Promise<void> {
    await this.#publisher.close(signal);
    await Promise.all(this.#underWay);
  }

  #load(portions: readonly Portion[], seenAt: number): { cargo: Cargo; stopped?: KeyferryError } {
    const { records: maker } = this.#options;
    const cargo: Cargo = { records: [], entries: [] };
    for (const { reading, entries } of portions) {
      const { fresh, deleted } = reading.take(entries);
      this.#passOver(reading, deleted);
      const ids: string[] = [];
      cargo.entries.push({ reading, ids });
      for (const { id, fields = [] } of fresh) {
        const entry: Entry = { id, fields };
        try {
          cargo.records.push(maker.make(reading, entry, seenAt));
        } catch (error) {
          if (isKeyferryError(error)) return { cargo, stopped: error };
          throw error;
        }
        ids.push(id);
      }
    }
    return { cargo };
  }

  /** I8: entries that are gone are counted, and leave the list of pending ones. */
  #passOver(reading: Reading, ids: readonly string[]): void {
    if (ids.length === 0) return;
    const { acknowledgements, metrics, logger } = this.#options;
    const fields = { stream: reading.name.toString('utf8'), entries: ids.length, first: ids[0] };
    logger.warn(fields, 'entries were deleted from the stream before they could be read again');
    metrics.entries('deleted', ids.length);
    acknowledgements.add(reading, ids);
  }

  #send(cargo: Cargo, seenAt: number): Promise<void> {
    if (cargo.records.length === 0) return Promise.resolve();
    const sent = this.#publisher.publish(cargo.records).then((acknowledged) => {
      if (this.#options.tracer !== undefined) this.#endSpans(cargo, acknowledged);
      if (acknowledged !== undefined) this.#landed(cargo, seenAt);
    });
    this.#underWay.add(sent);
    return sent.finally(() => this.#underWay.delete(sent));
  }

  #endSpans({ records }: Cargo, acknowledged: readonly Acknowledgement[] | undefined): void {
    for (const record of records) {
      const span = this.#options.records.spanOf(record);
      if (span === undefined) continue;
      if (acknowledged === undefined) endUnsent(span);
      else endSent(span, placeOf(record, acknowledged));
    }
  }

  /** Kafka holds the records. */
  #landed(cargo: Cargo, seenAt: number): void {
    const { records, entries } = cargo;
    const { records: maker, acknowledgements, metrics, clock } = this.#options;
    for (const { reading, ids } of entries) acknowledgements.add(reading, ids);
    const dead = maker.countDead(records);
    metrics.entries('dead-lettered', dead);
    metrics.deadLetters(dead);
    metrics.entries('published', records.length - dead);
    const seconds = Math.max(0, clock.now() - seenAt) / 1000;
    for (let at = 0; at < records.length; at += 1) metrics.endToEnd(seconds);
    if (this.#options.watch?.isWatched === true) tellWatch(this.#options.watch, cargo, seconds * 1_000);
  }

  #shrink(record: OutgoingRecord): OutgoingRecord {
    try {
      return this.#options.records.tooLarge(record);
    } catch (error) {
      if (!isKeyferryError(error)) throw error;
      this.#options.onStopped(error);
      return record;
    }
  }
}

/** Records stand in the order of their entries. */
const tellWatch = (watch: ChangeWatch, { records, entries }: Cargo, latencyMs: number): void => {
  let at = 0;
  for (const { reading, ids } of entries) {
    for (const { value } of records.slice(at, at + ids.length))
      watch.passed({ key: reading.key, op: 'add', type: 'stream', value, latencyMs });
    at += ids.length;
  }
};
