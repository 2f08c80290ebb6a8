import type { Acknowledgement, OutgoingRecord } from '../../clients/kafka/port.ts';
import { type KeyferryError, isKeyferryError } from '../../core/errors.ts';
import type { ChangeWatch } from '../../core/passed-change.ts';
import type { Tracer } from '../../core/tracer.ts';
import type { StreamMetrics } from '../../observability/metrics.ts';
import { EventPublisher, type EventPublisherOptions } from '../publish/event-publisher.ts';
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

export interface CarrierOptions extends Omit<EventPublisherOptions, 'onDone'> {
  readonly records: EntryRecords;
  readonly acknowledgements: Acknowledgements;
  readonly metrics: StreamMetrics;
  /** Told of what Kafka has; undefined: nobody ever looks. */
  readonly watch?: ChangeWatch | undefined;
  /** undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
}

/**
 * Carries entries from their read to their acknowledgement: record or dead letter, publish, XACK. One queue for all
 * streams: records leave in the order in which their entries were read.
 */
export class Carrier {
  readonly #options: CarrierOptions;
  readonly #publisher: EventPublisher;
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: CarrierOptions) {
    this.#options = options;
    this.#publisher = new EventPublisher({
      ...options,
      onDone: (outcome, count) => {
        options.metrics.entries(outcome, count);
      },
    });
  }

  /** Why Kafka does not take records now. */
  get failure(): KeyferryError | undefined {
    return this.#publisher.failure;
  }

  /** I9: resolves when there is room for another read. */
  async room(signal: AbortSignal): Promise<void> {
    await this.#publisher.room(signal);
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
    const sent = this.#publisher.publish(cargo.records, seenAt).then((acknowledged) => {
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
    const { acknowledgements, watch, clock } = this.#options;
    for (const { reading, ids } of cargo.entries) acknowledgements.add(reading, ids);
    if (watch?.isWatched === true) tellWatch(watch, cargo, Math.max(0, clock.now() - seenAt));
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
