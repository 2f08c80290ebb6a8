import type { IncomingRecord, RecordBatch } from '../../clients/kafka/port.ts';
import { slotOf } from '../../clients/redis/cluster/slots.ts';
import { ensureOrigin } from '../../clients/redis/origin.ts';
import { type KeyferryError, isKeyferryError } from '../../core/errors.ts';
import { isReserved, keyName } from '../../core/key-name.ts';
import type { SinkOutcome } from '../../core/sink-outcome.ts';
import { intoCalls } from '../apply/script-calls.ts';
import type { Applier, Outcomes, Target } from '../consume/applier.ts';
import { isOwnRecord } from '../consume/own-records.ts';
import { type Addition, type Shelf, appendRecords } from './append-records.ts';
import { forgetBeyond, positionField, positionsKey } from './positions.ts';
import { TopicLives } from './topic-lives.ts';

/** A record's key and what it adds there. @throws KF_RECORD_UNREADABLE */
export type ReadAddition = (record: IncomingRecord, batch: RecordBatch) => Omit<Addition, 'record'>;

export interface AppendOptions {
  /** The sink's: its positions go by it. */
  readonly name: string;
  readonly topics: readonly string[];
  readonly verb: Shelf['verb'];
  readonly maxLength: number | undefined;
  readonly expireMs: number | undefined;
}

interface Failure {
  readonly record: IncomingRecord;
  readonly error: KeyferryError;
}

/** What one call may append to: what is in one slot, and so has one hash of positions. */
interface Shelved {
  readonly positions: Buffer;
  readonly additions: Addition[];
}

/** Positions at or beyond the end of a partition's log are of another topic. */
interface Suspicion {
  readonly end: bigint;
  /** Hashes of positions that were looked at, by name. */
  readonly cleared: Set<string>;
}

/** Appends each record to a list or stream, in offset order, once. */
export class Appender implements Applier {
  readonly #options: AppendOptions;
  readonly #target: Target;
  readonly #read: ReadAddition;
  readonly #lives: TopicLives;
  /** A batch that is tried again brings the same records, and their letters need not be written again. */
  readonly #putAside = new WeakSet<IncomingRecord>();
  /** By topic and partition. */
  readonly #suspicions = new Map<string, Suspicion>();

  /** @throws KF_KAFKA_UNAVAILABLE, KF_KAFKA_AUTH */
  static async open(options: AppendOptions, target: Target, read: ReadAddition): Promise<Appender> {
    const lives = new TopicLives(target.kafka);
    await lives.open(options.topics);
    return new Appender(options, target, { read, lives });
  }

  private constructor(
    options: AppendOptions,
    target: Target,
    { read, lives }: { readonly read: ReadAddition; readonly lives: TopicLives },
  ) {
    this.#options = options;
    this.#target = target;
    this.#read = read;
    this.#lives = lives;
  }

  async apply(batch: RecordBatch): Promise<Outcomes> {
    const { connection, randomId, db } = this.#target;
    await this.#checkTopic(batch);
    const isOwn = isOwnRecord(await ensureOrigin(connection, randomId), db);
    const { additions, unreadable, own, reserved, empty } = this.#sort(batch, isOwn);
    // Before the position passes them: else a crash between the two would lose them (I5).
    await this.#letGo(batch, unreadable);
    const counts = { applied: 0, repeated: 0, refused: 0 };
    const appended = this.#shelve(additions).map((shelved) => this.#append(batch, shelved, counts));
    // All are awaited, whatever becomes of one: what is tried again must not meet a leftover of the first try.
    for (const outcome of await Promise.allSettled(appended)) if (outcome.status === 'rejected') throw outcome.reason;
    this.#lives.applied(batch);
    return new Map<SinkOutcome, number>([
      ['applied', counts.applied],
      ['repeated', counts.repeated],
      ['empty', empty],
      ['own', own],
      ['reserved', reserved],
      ['dead-lettered', unreadable.length + counts.refused],
    ]);
  }

  async #checkTopic(batch: RecordBatch): Promise<void> {
    const life = await this.#lives.lookAgain(batch);
    const end = life?.ends.get(batch.partition);
    if (end !== undefined) this.#suspicions.set(positionField(batch), { end, cleared: new Set() });
  }

  #shelve(additions: readonly Addition[]): readonly Shelved[] {
    const { isCluster } = this.#target;
    const shelves = new Map<number | undefined, Shelved>();
    for (const addition of additions) {
      const slot = isCluster ? slotOf(addition.key) : undefined;
      const shelved = shelves.get(slot);
      if (shelved !== undefined) shelved.additions.push(addition);
      else shelves.set(slot, { positions: positionsKey(this.#options.name, slot), additions: [addition] });
    }
    return [...shelves.values()];
  }

  async #append(
    batch: RecordBatch,
    { positions, additions }: Shelved,
    counts: { applied: number; repeated: number; refused: number },
  ): Promise<void> {
    await this.#clear(batch, positions);
    for (const call of intoCalls(additions, sizeOf)) {
      for (let left = call; left.length > 0;) {
        const outcome = await appendRecords(this.#target.connection, left, this.#shelf(batch, positions));
        await this.#letGo(batch, outcome.refused);
        if (this.#target.watch.isWatched) this.#tellWatch(left.slice(outcome.repeated), outcome.added);
        counts.applied += outcome.added;
        counts.repeated += outcome.repeated;
        counts.refused += outcome.refused.length;
        left = outcome.left;
      }
    }
  }

  #tellWatch(additions: readonly Addition[], count: number): void {
    for (const { key, record } of additions.slice(0, count)) this.#target.watch.applied(key, record, 'add');
  }

  async #clear(batch: RecordBatch, positions: Buffer): Promise<void> {
    const field = positionField(batch);
    const suspicion = this.#suspicions.get(field);
    const name = positions.toString();
    if (suspicion === undefined || suspicion.cleared.has(name)) return;
    await forgetBeyond(this.#target.connection, { key: positions, field, end: suspicion.end });
    suspicion.cleared.add(name);
  }

  #sort(batch: RecordBatch, isOwn: ReturnType<typeof isOwnRecord>) {
    const additions: Addition[] = [];
    const unreadable: Failure[] = [];
    let own = 0;
    let reserved = 0;
    let empty = 0;
    for (const record of batch.records) {
      if (isOwn(record.headers)) own += 1;
      else if (record.value === null) empty += 1;
      else {
        try {
          const addition = this.#read(record, batch);
          if (isReserved(keyName(addition.key))) reserved += 1;
          else additions.push({ record, ...addition });
        } catch (error) {
          if (!isKeyferryError(error)) throw error;
          unreadable.push({ record, error });
        }
      }
    }
    return { additions, unreadable, own, reserved, empty };
  }

  async #letGo({ topic, partition }: RecordBatch, failures: readonly Failure[]): Promise<void> {
    const poison = failures.filter(({ record }) => !this.#putAside.has(record));
    if (poison.length === 0) return;
    await this.#target.deadLetters.put(poison.map(({ record, error }) => ({ topic, partition, record, error })));
    for (const { record } of poison) this.#putAside.add(record);
  }

  #shelf(batch: RecordBatch, positions: Buffer): Shelf {
    const { verb, maxLength, expireMs } = this.#options;
    return {
      positions,
      field: positionField(batch),
      topicId: this.#lives.id(batch.topic) ?? '',
      verb,
      maxLength,
      expireMs,
      sequence: batch.partition + 1,
    };
  }
}

const sizeOf = ({ key, values }: Addition): { readonly values: number; readonly bytes: number } => {
  let bytes = key.length;
  for (const value of values) bytes += value.length;
  return { values: values.length, bytes };
};
