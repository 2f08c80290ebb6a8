import type { Acknowledgement, OutgoingRecord, RecordProducer } from '../../clients/kafka/port.ts';
import { type Clock, aborted } from '../../core/clock.ts';
import { KeyferryError, isKeyferryError, messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';

/** One send holds at most this much, so that a broker takes it in one request per leader. */
const MAX_SEND_RECORDS = 5_000;
const MAX_SEND_BYTES = 2_000_000;
/** What may wait behind the send under way; beyond it the readers pause (I9). */
const MAX_QUEUED_BYTES = 4_000_000;
/** A reconcile's records stop queueing here, so that live ones find a short queue. */
const MAX_QUEUED_BYTES_IN_BACKGROUND = 1_000_000;
/** Bytes of heap and wire that a record costs beside key and value. */
const RECORD_OVERHEAD_BYTES = 200;

const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 5_000;

interface Group {
  readonly records: readonly OutgoingRecord[];
  readonly bytes: number;
  readonly acknowledged: (acknowledgements: readonly Acknowledgement[] | undefined) => void;
}

const sizeOf = (records: readonly OutgoingRecord[]): number => {
  let bytes = 0;
  for (const { key, value } of records) bytes += RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  return bytes;
};

const failureOf = (error: unknown): KeyferryError =>
  isKeyferryError(error) ? error : new KeyferryError('KF_KAFKA_REFUSED', messageOf(error), { cause: error });

export interface PublisherOptions {
  readonly producer: RecordProducer;
  /** Called before each send: topics are created here. */
  readonly prepare: (records: readonly OutgoingRecord[]) => Promise<void>;
  /** A smaller record in place of one that the broker finds too large; the same one where there is none. */
  readonly shrink: (record: OutgoingRecord) => OutgoingRecord;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Queued records have left: there may be room again. */
  readonly onRoom: () => void;
}

/**
 * Sends groups of records in the order in which they came, one send at a time; what comes meanwhile goes out together in
 * the next. A send that failed is repeated, unchanged, until Kafka takes it: nothing overtakes it, so the order of a
 * key's records survives any fault of the broker (I2), and nothing is given up (I8).
 */
export class Publisher {
  readonly #options: PublisherOptions;
  #queue: Group[] = [];
  #queuedBytes = 0;
  #sending: Promise<void> | undefined;
  #failure: KeyferryError | undefined;
  readonly #closing = new AbortController();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Why Kafka does not take records now; undefined where it does. */
  get failure(): KeyferryError | undefined {
    return this.#failure;
  }

  /** Resolves with the places of the records once all in-sync replicas hold them; undefined where `close` came first. */
  publish(records: readonly OutgoingRecord[]): Promise<readonly Acknowledgement[] | undefined> {
    return new Promise((resolve) => {
      if (this.#closing.signal.aborted) {
        resolve(undefined);
        return;
      }
      const group = { records, bytes: sizeOf(records), acknowledged: resolve };
      this.#queue.push(group);
      this.#queuedBytes += group.bytes;
      this.#sending ??= this.#sendAll();
    });
  }

  /** Whether more records may come; a reconcile's have less room than live ones. */
  hasRoom(lane: 'live' | 'background'): boolean {
    return this.#queuedBytes < (lane === 'live' ? MAX_QUEUED_BYTES : MAX_QUEUED_BYTES_IN_BACKGROUND);
  }

  /** Waits until everything queued is acknowledged, as long as `signal` allows; then closes the producer. */
  async close(signal: AbortSignal): Promise<void> {
    await Promise.race([this.#sending, aborted(signal)]);
    this.#closing.abort();
    for (const { acknowledged } of this.#queue.splice(0)) acknowledged(undefined);
    await this.#options.producer.close();
  }

  async #sendAll(): Promise<void> {
    // What the same turn of the event loop brings goes out together.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0 && !this.#closing.signal.aborted) {
      const groups = this.#nextGroups();
      const acknowledgements = await this.#send(groups.flatMap((group) => group.records));
      for (const group of groups) {
        this.#queuedBytes -= group.bytes;
        group.acknowledged(acknowledgements);
      }
      this.#options.onRoom();
    }
    this.#sending = undefined;
  }

  #nextGroups(): readonly Group[] {
    let records = 0;
    let bytes = 0;
    const fits = ({ records: more, bytes: moreBytes }: Group): boolean => {
      records += more.length;
      bytes += moreBytes;
      return records <= MAX_SEND_RECORDS && bytes <= MAX_SEND_BYTES;
    };
    const end = this.#queue.findIndex((group) => !fits(group));
    const groups = this.#queue.slice(0, end === -1 ? undefined : Math.max(end, 1));
    this.#queue = this.#queue.slice(groups.length);
    return groups;
  }

  /** @returns undefined where closing cut it short. */
  async #send(records: readonly OutgoingRecord[]): Promise<readonly Acknowledgement[] | undefined> {
    const { producer, prepare, clock, logger } = this.#options;
    for (let retryMs = FIRST_RETRY_MS; !this.#closing.signal.aborted; retryMs = Math.min(retryMs * 2, MAX_RETRY_MS)) {
      try {
        await prepare(records);
        const acknowledgements = await producer.send(records);
        if (this.#failure !== undefined) logger.info({ was: this.#failure.code }, 'Kafka takes records again');
        this.#failure = undefined;
        return acknowledgements;
      } catch (error) {
        const failure = failureOf(error);
        if (failure.code === 'KF_KAFKA_RECORD_TOO_LARGE') {
          const parts = this.#parts(records);
          if (parts !== undefined) return this.#sendParts(parts);
        }
        this.#report(failure, records.length);
        await clock.sleep(retryMs, this.#closing.signal);
      }
    }
    return undefined;
  }

  /** What to send in place of a batch that is too large: its halves, or its one record shrunk; undefined: no way. */
  #parts(records: readonly OutgoingRecord[]): readonly (readonly OutgoingRecord[])[] | undefined {
    const [first] = records;
    if (first === undefined) return [];
    if (records.length > 1) return [records.slice(0, records.length >> 1), records.slice(records.length >> 1)];
    const smaller = this.#options.shrink(first);
    return smaller === first ? undefined : [[smaller]];
  }

  async #sendParts(parts: readonly (readonly OutgoingRecord[])[]): Promise<readonly Acknowledgement[] | undefined> {
    const acknowledgements: Acknowledgement[] = [];
    for (const part of parts) {
      const sent = await this.#send(part);
      if (sent === undefined) return undefined;
      acknowledgements.push(...sent);
    }
    return acknowledgements;
  }

  #report(failure: KeyferryError, records: number): void {
    if (this.#failure?.code !== failure.code) {
      const level = failure.code === 'KF_KAFKA_UNAVAILABLE' ? 'warn' : 'error';
      const fields = { code: failure.code, reason: failure.message, records };
      this.#options.logger[level](fields, 'Kafka does not take records; trying again');
    }
    this.#failure = failure;
  }
}
