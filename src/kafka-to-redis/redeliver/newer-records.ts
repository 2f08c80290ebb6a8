import type { IncomingRecord, KafkaDriver, RecordBatch } from '../../clients/kafka/port.ts';
import type { Clock } from '../../core/clock.ts';
import { KeyferryError, isKeyferryError } from '../../core/errors.ts';
import { type KeyName, keyName } from '../../core/key-name.ts';
import type { ReadRecord } from '../consume/apply-batch.ts';

/** What came behind is looked through for so long: the partition's own records wait meanwhile. */
const LOOK_MS = 15_000;

export interface NewerOptions {
  readonly kafka: KafkaDriver;
  readonly read: ReadRecord;
  readonly clock: Clock;
}

/**
 * Which of the records must not be applied any more, because newer ones of their keys stand behind them in their
 * partition. It can be told only while the record itself still stands at its place: a log that has lost it, by retention
 * or compaction, may have lost the newer one too.
 * @param batch in offset order, as they were read once.
 * @throws KF_KAFKA_UNAVAILABLE...
 */
export const findNewer = async (
  batch: RecordBatch,
  options: NewerOptions,
): Promise<ReadonlyMap<IncomingRecord, 'superseded' | KeyferryError>> => {
  const { topic, partition, records } = batch;
  const look = new Look(batch, options.read);
  const isInTime = await readOn(batch, options, (record) => {
    look.at(record);
  });
  const verdicts = new Map<IncomingRecord, 'superseded' | KeyferryError>();
  for (const record of records) {
    const place = `${topic}, partition ${partition}, offset ${record.offset}`;
    if (!isInTime) {
      verdicts.set(record, unknown(`more has come behind ${place} than can be looked through in ${LOOK_MS / 1000} s`));
    } else if (!look.stillStands(record)) {
      verdicts.set(record, unknown(`the record no longer stands at ${place}`));
    } else if (look.hasNewer(record)) verdicts.set(record, 'superseded');
  }
  return verdicts;
};

const unknown = (why: string): KeyferryError =>
  new KeyferryError(
    'KF_RECORD_UNREADABLE',
    `${why}, so that nobody can tell whether its key has a newer one: discard the letter, or write the record again`,
  );

/** @returns false where it took too long. */
const readOn = async (
  { topic, partition, records }: RecordBatch,
  { kafka, clock }: NewerOptions,
  onRecord: (record: IncomingRecord) => void,
): Promise<boolean> => {
  const deadline = clock.monotonic() + LOOK_MS;
  const admin = kafka.admin();
  const reader = kafka.reader();
  let isInTime = true;
  try {
    const starts = new Map(await admin.endOffsets(topic)).set(partition, records[0]?.offset ?? 0n);
    await reader.readToEnd(topic, starts, (batch) => {
      if (batch.partition === partition) for (const record of batch.records) onRecord(record);
      isInTime = clock.monotonic() < deadline;
      return isInTime ? undefined : 'enough';
    });
    return isInTime;
  } finally {
    await Promise.all([admin.close(), reader.close()]);
  }
};

/** What is found of some records and their keys in their partition. */
class Look {
  readonly #batch: RecordBatch;
  readonly #read: ReadRecord;
  readonly #byOffset: ReadonlyMap<bigint, IncomingRecord>;
  readonly #standing = new Set<bigint>();
  /** Of each key, the offset of the last record that is not one of the batch. */
  readonly #newest = new Map<KeyName, bigint>();

  constructor(batch: RecordBatch, read: ReadRecord) {
    this.#batch = batch;
    this.#read = read;
    this.#byOffset = new Map(batch.records.map((record) => [record.offset, record]));
    for (const record of batch.records) {
      const key = this.#keyOf(record);
      if (key !== undefined) this.#newest.set(key, -1n);
    }
  }

  at(record: IncomingRecord): void {
    const own = this.#byOffset.get(record.offset);
    if (own !== undefined) {
      if (sameBytes(own.key, record.key) && sameBytes(own.value, record.value)) this.#standing.add(record.offset);
      return;
    }
    const key = this.#keyOf(record);
    if (key !== undefined && this.#newest.has(key)) this.#newest.set(key, record.offset);
  }

  stillStands({ offset }: IncomingRecord): boolean {
    return this.#standing.has(offset);
  }

  hasNewer(record: IncomingRecord): boolean {
    const key = this.#keyOf(record);
    return key !== undefined && (this.#newest.get(key) ?? -1n) > record.offset;
  }

  /** undefined: it has none, and changes nothing. */
  #keyOf(record: IncomingRecord): KeyName | undefined {
    try {
      return keyName(this.#read(record, this.#batch).key);
    } catch (error) {
      if (isKeyferryError(error)) return undefined;
      throw error;
    }
  }
}

const sameBytes = (one: Buffer | null, other: Buffer | null): boolean =>
  one === null || other === null ? one === other : one.equals(other);
