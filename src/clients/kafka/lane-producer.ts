import { systemClock as clock } from '../../core/clock.ts';
import type { ErrorCode, KeyferryError } from '../../core/errors.ts';
import { Turns } from '../../core/turns.ts';
import { ASKS, type Ask } from './asks.ts';
import { LaneAcknowledgement, toLanes, type Lane } from './lanes.ts';
import type { Acknowledgement, OutgoingRecord, RecordProducer } from './port.ts';

/** What a client library does for a producer: one attempt at a time, the rest is the same for all. */
export interface LaneTransport {
  /** Number of partitions by topic. @param fresh asks a broker, whatever is known already */
  partitionCounts(topics: readonly string[], fresh: boolean): Promise<ReadonlyMap<string, number>>;
  /**
   * Sends the next batch of some lanes, at least of one, and moves `done` of those that were acknowledged. A failed
   * batch is to be sent again under the same sequence numbers, so that the broker recognises it.
   */
  sendNext(lanes: readonly Lane[]): Promise<void>;
  /** What was sent and not acknowledged will not be sent again: begin new sequences. */
  abandon(): Promise<void>;
  /** Total. */
  translate(thrown: unknown, ask: Ask): KeyferryError;
  close(): Promise<void>;
}

/** How long a send goes on without progress; an attempt that began just before may add its own timeouts. */
const PATIENCE_MS: Partial<Record<ErrorCode, number>> = {
  KF_KAFKA_UNAVAILABLE: 8_000,
  // A topic may be new: its metadata takes a moment to reach every broker.
  KF_KAFKA_TOPIC_MISSING: 1_000,
};
const RETRY_DELAY_MS = 100;

/**
 * Sorts a send to partitions and sends until each stands in the log. A send that was rejected and comes again (the same
 * array) goes on where it stopped: what stands in the log already is not written twice, and order holds (I2).
 */
export class LaneProducer implements RecordProducer {
  readonly #transport: LaneTransport;
  /** The send that is under way, or that was rejected. */
  #transfer: { readonly records: readonly OutgoingRecord[]; readonly lanes: readonly Lane[] } | undefined;
  #sends = 0;
  /** Two at once would share one transfer, and write records twice or never. */
  readonly #turns = new Turns();

  constructor(transport: LaneTransport) {
    this.#transport = transport;
  }

  send(records: readonly OutgoingRecord[]): Promise<readonly Acknowledgement[]> {
    return this.#turns.take(() => this.#send(records));
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #send(records: readonly OutgoingRecord[]): Promise<readonly Acknowledgement[]> {
    if (this.#transfer !== undefined && this.#transfer.records !== records) {
      this.#transfer = undefined;
      await this.#transport.abandon();
    }
    this.#sends += 1;
    const lanes = await this.#transferred(records);
    this.#transfer = undefined;
    return lanes.map((lane) => new LaneAcknowledgement(lane));
  }

  async #transferred(records: readonly OutgoingRecord[]): Promise<readonly Lane[]> {
    const topics = [...new Set(records.map(({ topic }) => topic))];
    let lastProgress = clock.monotonic();
    for (let hasFailed = false; ;) {
      try {
        const counts = await this.#transport.partitionCounts(topics, hasFailed);
        const { lanes } = (this.#transfer ??= { records, lanes: toLanes(records, counts, this.#sends) });
        const open = lanes.filter((lane) => lane.done < lane.records.length);
        if (open.length === 0) return lanes;
        await this.#transport.sendNext(open);
        lastProgress = clock.monotonic();
        hasFailed = false;
      } catch (thrown) {
        const error = this.#transport.translate(thrown, ASKS.send(topics));
        if (clock.monotonic() - lastProgress >= (PATIENCE_MS[error.code] ?? 0)) throw error;
        hasFailed = true;
        await clock.sleep(RETRY_DELAY_MS);
      }
    }
  }
}
