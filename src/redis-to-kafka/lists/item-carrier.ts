import type { KeyferryError } from '../../core/errors.ts';
import { keyName } from '../../core/key-name.ts';
import type { ChangeWatch } from '../../core/passed-change.ts';
import type { ListMetrics } from '../../observability/metrics.ts';
import { EventPublisher, type EventPublisherOptions } from '../publish/event-publisher.ts';
import type { ItemRecords, ItemRoute } from './item-records.ts';

export interface ItemCarrierOptions extends Omit<EventPublisherOptions, 'onDone'> {
  readonly records: ItemRecords;
  readonly metrics: ListMetrics;
  /** Told of what Kafka has; undefined: nobody ever looks. */
  readonly watch?: ChangeWatch | undefined;
}

/** Carries taken items to Kafka, in one queue for all lists: records leave in the order in which items were taken. */
export class ItemCarrier {
  readonly #options: ItemCarrierOptions;
  readonly #publisher: EventPublisher;

  constructor(options: ItemCarrierOptions) {
    this.#options = options;
    this.#publisher = new EventPublisher({
      ...options,
      onDone: (outcome, count) => {
        options.metrics.items(outcome, count);
      },
    });
  }

  /** Why Kafka does not take records now. */
  get failure(): KeyferryError | undefined {
    return this.#publisher.failure;
  }

  /** I9: resolves with true once more may be taken; with false where that is not within so long, or at the signal. */
  async room(withinMs: number, signal: AbortSignal): Promise<boolean> {
    const enough = new AbortController();
    void this.#options.clock.sleep(withinMs, AbortSignal.any([signal, enough.signal])).then(() => {
      enough.abort();
    });
    const hasRoom = await this.#publisher.room(enough.signal);
    enough.abort();
    return hasRoom;
  }

  /** Resolves with true once Kafka holds the items, each as a record or a dead letter; with false where `close` came first. */
  async carry(route: ItemRoute, items: readonly Buffer[]): Promise<boolean> {
    const { records: maker, watch, clock } = this.#options;
    const takenAt = clock.now();
    if ((await this.#publisher.publish(maker.make(route, items, takenAt), takenAt)) === undefined) return false;
    if (watch?.isWatched === true) tellWatch(watch, route, items, Math.max(0, clock.now() - takenAt));
    return true;
  }

  /** Publishes what is queued, as long as the signal allows. */
  close(signal: AbortSignal): Promise<void> {
    return this.#publisher.close(signal);
  }
}

const tellWatch = (watch: ChangeWatch, { list }: ItemRoute, items: readonly Buffer[], latencyMs: number): void => {
  const key = keyName(list);
  for (const value of items) watch.passed({ key, op: 'add', type: 'list', value, latencyMs });
};
