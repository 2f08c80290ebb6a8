import type { OutgoingRecord } from '../../clients/kafka/port.ts';
import type { Clock } from '../../core/clock.ts';
import { type KeyferryError, isKeyferryError } from '../../core/errors.ts';
import { keyName } from '../../core/key-name.ts';
import type { ChangeWatch } from '../../core/passed-change.ts';
import { Wakeup } from '../../core/wakeup.ts';
import type { ListMetrics } from '../../observability/metrics.ts';
import { Publisher, type PublisherOptions } from '../publish/publisher.ts';
import type { ItemRecords, ItemRoute } from './item-records.ts';

export interface ItemCarrierOptions extends Pick<PublisherOptions, 'producer' | 'prepare' | 'logger'> {
  readonly records: ItemRecords;
  readonly clock: Clock;
  readonly metrics: ListMetrics;
  /** Told of what Kafka has; undefined: nobody ever looks. */
  readonly watch?: ChangeWatch | undefined;
  /** Kafka takes neither a record nor its dead letter: KF_SOURCE_STOPPED. */
  readonly onStopped: (error: KeyferryError) => void;
}

/** Carries taken items to Kafka, in one queue for all lists: records leave in the order in which items were taken. */
export class ItemCarrier {
  readonly #options: ItemCarrierOptions;
  readonly #publisher: Publisher;
  readonly #room = new Wakeup();

  constructor(options: ItemCarrierOptions) {
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

  /** I9: resolves with true once more may be taken; with false where that is not within so long, or at the signal. */
  async room(withinMs: number, signal: AbortSignal): Promise<boolean> {
    const hasRoom = (): boolean => this.#publisher.hasRoom('live');
    if (hasRoom()) return true;
    const found = new AbortController();
    let isOver = false;
    void this.#options.clock.sleep(withinMs, AbortSignal.any([signal, found.signal])).then(() => {
      isOver = true;
      this.#room.notify();
    });
    await this.#room.until(() => isOver || hasRoom());
    found.abort();
    return hasRoom();
  }

  /** Resolves with true once Kafka holds the items, each as a record or a dead letter; with false where `close` came first. */
  async carry(route: ItemRoute, items: readonly Buffer[]): Promise<boolean> {
    const { records: maker, clock, metrics } = this.#options;
    const takenAt = clock.now();
    const records = maker.make(route, items, takenAt);
    if ((await this.#publisher.publish(records)) === undefined) return false;
    const dead = maker.countDead(records);
    metrics.items('dead-lettered', dead);
    metrics.deadLetters(dead);
    metrics.items('published', records.length - dead);
    const seconds = Math.max(0, clock.now() - takenAt) / 1000;
    for (let at = 0; at < records.length; at += 1) metrics.endToEnd(seconds);
    if (this.#options.watch?.isWatched === true) tellWatch(this.#options.watch, route, items, seconds * 1_000);
    return true;
  }

  /** Publishes what is queued, as long as the signal allows. */
  close(signal: AbortSignal): Promise<void> {
    return this.#publisher.close(signal);
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

const tellWatch = (watch: ChangeWatch, { list }: ItemRoute, items: readonly Buffer[], latencyMs: number): void => {
  const key = keyName(list);
  for (const value of items) watch.passed({ key, op: 'add', type: 'list', value, latencyMs });
};
