import type { KafkaAdmin } from '../clients/kafka/port.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';

const EVERY_MS = 5_000;

/**
 * Asks Kafka now and then whether it is there: flows that have nothing to send would not notice. It only tells, for
 * /readyz; what a failure means is up to each flow.
 */
export class KafkaWatch {
  readonly #admin: KafkaAdmin;
  readonly #clock: Clock;
  #failure: string | undefined;
  #awaySince: number | undefined;

  constructor(admin: KafkaAdmin, clock: Clock) {
    this.#admin = admin;
    this.#clock = clock;
  }

  /** Why Kafka is out of reach; empty where it answered when it was asked last. */
  health(): readonly string[] {
    return this.#failure === undefined ? [] : [`Kafka: ${this.#failure}`];
  }

  /** Unix ms; undefined where it answered when it was asked last. */
  get awaySince(): number | undefined {
    return this.#awaySince;
  }

  /** Until the signal; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#failure = await this.#admin.topics().then(() => undefined, messageOf);
      this.#awaySince = this.#failure === undefined ? undefined : (this.#awaySince ?? this.#clock.now());
      await this.#clock.sleep(EVERY_MS, signal);
    }
  }

  close(): Promise<void> {
    return this.#admin.close();
  }
}
