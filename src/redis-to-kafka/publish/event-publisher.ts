import type { Acknowledgement, OutgoingRecord } from '../../clients/kafka/port.ts';
import type { Clock } from '../../core/clock.ts';
import { type KeyferryError, isKeyferryError } from '../../core/errors.ts';
import { Wakeup } from '../../core/wakeup.ts';
import { Publisher, type PublisherOptions } from './publisher.ts';

/** Makes the records of a source of events. */
export interface EventRecords {
  /** In place of a record that is too large for its topic: its dead letter. @throws KF_SOURCE_STOPPED */
  tooLarge(record: OutgoingRecord): OutgoingRecord;
  /** How many of the records went to the dead-letter topic. */
  countDead(records: readonly OutgoingRecord[]): number;
}

export interface EventPublisherOptions extends Pick<PublisherOptions, 'producer' | 'prepare' | 'logger'> {
  readonly records: EventRecords;
  readonly clock: Clock;
  readonly metrics: {
    deadLetters(count: number): void;
    /** From an event read to its record acknowledged. */
    endToEnd(seconds: number): void;
  };
  /** So many events are done with. */
  readonly onDone: (outcome: 'published' | 'dead-lettered', count: number) => void;
  /** Kafka takes neither a record nor its dead letter: KF_SOURCE_STOPPED. */
  readonly onStopped: (error: KeyferryError) => void;
}

/** Publishes events, each as its record or a dead letter, in the order in which they came; and counts them. */
export class EventPublisher {
  readonly #options: EventPublisherOptions;
  readonly #publisher: Publisher;
  readonly #room = new Wakeup();

  constructor(options: EventPublisherOptions) {
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

  /** I9: resolves with true once more may be read; at the signal, with whether it may. */
  async room(signal: AbortSignal): Promise<boolean> {
    const hasRoom = (): boolean => this.#publisher.hasRoom('live');
    const wake = (): void => {
      this.#room.notify();
    };
    signal.addEventListener('abort', wake, { once: true });
    await this.#room.until(() => signal.aborted || hasRoom());
    signal.removeEventListener('abort', wake);
    return hasRoom();
  }

  /**
   * As Publisher.publish.
   * @param seenAt Unix ms at which the events were read.
   */
  async publish(records: readonly OutgoingRecord[], seenAt: number): Promise<readonly Acknowledgement[] | undefined> {
    const acknowledged = await this.#publisher.publish(records);
    if (acknowledged !== undefined) this.#count(records, seenAt);
    return acknowledged;
  }

  /** As Publisher.close. */
  close(signal: AbortSignal): Promise<void> {
    return this.#publisher.close(signal);
  }

  #count(records: readonly OutgoingRecord[], seenAt: number): void {
    const { records: maker, metrics, clock, onDone } = this.#options;
    const dead = maker.countDead(records);
    metrics.deadLetters(dead);
    onDone('dead-lettered', dead);
    onDone('published', records.length - dead);
    const seconds = Math.max(0, clock.now() - seenAt) / 1000;
    for (let at = 0; at < records.length; at += 1) metrics.endToEnd(seconds);
  }

  #shrink(record: OutgoingRecord): OutgoingRecord {
    const { records, onStopped } = this.#options;
    try {
      return records.tooLarge(record);
    } catch (error) {
      if (!isKeyferryError(error)) throw error;
      onStopped(error);
      return record;
    }
  }
}
