import type { GroupConsumer, IncomingRecord, RecordBatch } from '../../clients/kafka/port.ts';
import type { Clock } from '../../core/clock.ts';
import { KeyferryError } from '../../core/errors.ts';
import type { Letter } from '../../dead-letters/read-letter.ts';
import type { Redelivered } from '../../dead-letters/redelivery.ts';
import type { Target } from '../consume/applier.ts';
import { applyBatch } from '../consume/apply-batch.ts';
import type { DeadLetters } from '../consume/dead-letters.ts';
import type { RecordReader } from '../consume/record-reader.ts';
import { appendOnce } from './append-once.ts';
import { findNewer } from './newer-records.ts';

export interface RedeliveryOptions {
  readonly topics: readonly string[];
  readonly reader: RecordReader;
  readonly target: Target;
  readonly consumer: GroupConsumer;
  readonly clock: Clock;
}

/** So long may a partition not be ours, in one call. */
const JOIN_MS = 10_000;
const LOOK_EVERY_MS = 200;

type Verdicts = ReadonlyMap<IncomingRecord, Redelivered>;

/**
 * Applies what the sink put aside, for one membership of its group. Each partition's letters between two of its batches, so
 * that nothing newer comes in between: an old record never overwrites what came behind it.
 */
export class Redelivery {
  readonly #options: RedeliveryOptions;
  /** On the monotonic clock. */
  #joinedBy = 0;

  constructor(options: RedeliveryOptions) {
    this.#options = options;
  }

  /** As Addressee.redeliver. */
  async redeliver(letters: readonly Letter[]): Promise<ReadonlyMap<Letter, Redelivered>> {
    const outcomes = new Map<Letter, Redelivered>();
    this.#joinedBy = this.#options.clock.monotonic() + JOIN_MS;
    for (const [place, own] of Map.groupBy(letters, ({ origin }) => `${origin.topic}/${origin.partition}`)) {
      const { topic, partition } = own[0]?.origin ?? {};
      if (topic === undefined || partition === undefined || !this.#options.topics.includes(topic)) {
        const error = new KeyferryError(
          'KF_RECORD_UNREADABLE',
          `${place} is no partition of the sink's topics any more`,
        );
        for (const letter of own) outcomes.set(letter, error);
      } else await this.#ofPartition(topic, partition, own, outcomes);
    }
    return outcomes;
  }

  async #ofPartition(
    topic: string,
    partition: number,
    letters: readonly Letter[],
    outcomes: Map<Letter, Redelivered>,
  ): Promise<void> {
    const records = new Map(letters.map((letter) => [recordOf(letter), letter]));
    const inOrder = [...records.keys()].sort((one, other) => (one.offset < other.offset ? -1 : 1));
    const batch: RecordBatch = { topic, partition, records: inOrder, behind: undefined };
    const verdicts = await this.#aside(batch);
    const elsewhere = new KeyferryError(
      'KF_BUSY',
      `partition ${partition} of ${topic} is with another member of the group, or with none just now: ask there, or again`,
    );
    for (const [record, letter] of records)
      outcomes.set(letter, verdicts?.get(record) ?? (verdicts ? 'done' : elsewhere));
  }

  /** A member that has just joined, or joins again, has no partition for a moment. */
  async #aside(batch: RecordBatch): Promise<Verdicts | undefined> {
    const { consumer, clock } = this.#options;
    for (;;) {
      const verdicts = await consumer.aside(batch.topic, batch.partition, () => this.#apply(batch));
      if (verdicts !== undefined || clock.monotonic() >= this.#joinedBy) return verdicts;
      await clock.sleep(LOOK_EVERY_MS);
    }
  }

  /** Records that are not told of are applied. */
  #apply(batch: RecordBatch): Promise<Verdicts> {
    const { reader, target } = this.#options;
    if (reader.effect === 'append') return appendOnce(batch, reader, target);
    return this.#replace(batch, reader);
  }

  async #replace(batch: RecordBatch, { read }: Extract<RecordReader, { effect: 'replace' }>): Promise<Verdicts> {
    const { target, clock } = this.#options;
    const verdicts = new Map<IncomingRecord, Redelivered>(await findNewer(batch, { kafka: target.kafka, read, clock }));
    const records = batch.records.filter((record) => !verdicts.has(record));
    if (records.length === 0) return verdicts;
    // It has its letter already.
    const deadLetters: DeadLetters = {
      put: (poison) => {
        for (const { record, error } of poison) verdicts.set(record, error);
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    };
    await applyBatch({ ...batch, records }, { ...target, deadLetters }, read);
    return verdicts;
  }
}

const recordOf = ({ record, origin, at }: Letter): IncomingRecord => ({
  ...record,
  offset: origin.offset ?? 0n,
  timestamp: at,
});
