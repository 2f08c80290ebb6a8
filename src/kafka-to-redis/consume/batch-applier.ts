import type { IncomingRecord, RecordBatch } from '../../clients/kafka/port.ts';
import { ensureOrigin } from '../../clients/redis/origin.ts';
import type { RedisConnection } from '../../clients/redis/port.ts';
import { decodeState } from '../../codecs/key-record.ts';
import { readKeyRecordHeaders } from '../../codecs/record-headers.ts';
import type { Clock } from '../../core/clock.ts';
import { KeyferryError, isKeyferryError } from '../../core/errors.ts';
import { type KeyName, isReserved, keyName } from '../../core/key-name.ts';
import type { SinkMetrics } from '../../observability/metrics.ts';
import { type Change, applyChanges } from '../apply/apply-changes.ts';
import { replacementOf } from '../apply/replacement.ts';
import type { DeadLetters, Poison } from './dead-letters.ts';
import { isOwnRecord } from './own-records.ts';

export interface BatchApplierOptions {
  readonly db: number;
  readonly connection: RedisConnection;
  readonly deadLetters: DeadLetters;
  readonly clock: Clock;
  readonly metrics: SinkMetrics;
  readonly randomId: () => string;
  /** Repeats an action while what it needs is away; rejects when the sink stops. */
  readonly patiently: <T>(action: () => Promise<T>) => Promise<T>;
}

/** One key's records in a batch, in offset order; only the last one counts, unless it cannot be applied. */
interface Chain {
  readonly key: Buffer;
  readonly records: IncomingRecord[];
}

interface ChainChange extends Change {
  readonly chain: Chain;
}

/**
 * Applies batches of one sink. A batch ends as if its records had been applied one by one, in order, those that cannot be
 * applied left out: it resolves once every record is applied or safe among the dead letters (I5, I8).
 */
export class BatchApplier {
  readonly #options: BatchApplierOptions;

  constructor(options: BatchApplierOptions) {
    this.#options = options;
  }

  async apply(batch: RecordBatch): Promise<void> {
    const { clock, metrics, patiently, connection, randomId, db } = this.#options;
    const start = clock.monotonic();
    // Asked anew for each batch: a flush or another dataset may have changed it without our noticing.
    const isOwn = isOwnRecord(await patiently(() => ensureOrigin(connection, randomId)), db);
    const { chains, keyless } = this.#sort(batch, isOwn);
    await this.#putAside(batch, keyless);
    for (let round: readonly Chain[] = chains; round.length > 0; ) round = await this.#applyLast(round, batch);
    metrics.applied((clock.monotonic() - start) / 1000);
    const [oldest] = batch.records;
    if (oldest !== undefined) metrics.endToEnd(Math.max(0, clock.now() - oldest.timestamp) / 1000);
  }

  #sort(
    { records }: RecordBatch,
    isOwn: (headers: IncomingRecord['headers']) => boolean,
  ): { readonly chains: readonly Chain[]; readonly keyless: readonly Failure[] } {
    const chains = new Map<KeyName, Chain>();
    const keyless: Failure[] = [];
    const skipped = { own: 0, reserved: 0 };
    for (const record of records) {
      if (record.key === null) keyless.push({ record, error: unreadable('the record has no key') });
      else if (isOwn(record.headers)) skipped.own += 1;
      else {
        const name = keyName(record.key);
        const chain = chains.get(name);
        if (chain !== undefined) chain.records.push(record);
        else if (isReserved(name)) skipped.reserved += 1;
        else chains.set(name, { key: record.key, records: [record] });
      }
    }
    this.#count('own', skipped.own);
    this.#count('reserved', skipped.reserved);
    return { chains: [...chains.values()], keyless };
  }

  /** Applies the last record of each chain. Returns the chains whose last record could not be applied, without it. */
  async #applyLast(chains: readonly Chain[], batch: RecordBatch): Promise<readonly Chain[]> {
    const { connection, patiently } = this.#options;
    const changes: ChainChange[] = [];
    const failures: (Failure & { readonly chain: Chain })[] = [];
    for (const chain of chains) {
      const record = chain.records.at(-1);
      if (record === undefined) continue;
      try {
        changes.push({ chain, key: chain.key, replacement: replacementIn(record) });
      } catch (error) {
        if (!isKeyferryError(error)) throw error;
        failures.push({ chain, record, error });
      }
    }
    const refused = await patiently(() => applyChanges(connection, changes));
    for (const [{ chain }, error] of refused) {
      const record = chain.records.at(-1);
      if (record !== undefined) failures.push({ chain, record, error });
    }
    let superseded = 0;
    for (const change of changes) if (!refused.has(change)) superseded += change.chain.records.length - 1;
    this.#count('applied', changes.length - refused.size);
    this.#count('superseded', superseded);
    await this.#putAside(batch, failures);
    for (const { chain } of failures) chain.records.pop();
    return failures.map(({ chain }) => chain).filter(({ records }) => records.length > 0);
  }

  async #putAside({ topic, partition }: RecordBatch, failures: readonly Failure[]): Promise<void> {
    if (failures.length === 0) return;
    const poison: readonly Poison[] = failures.map(({ record, error }) => ({ topic, partition, record, error }));
    await this.#options.patiently(() => this.#options.deadLetters.put(poison));
    this.#count('dead-lettered', poison.length);
    this.#options.metrics.deadLetters(poison.length);
  }

  #count(outcome: SinkOutcome, count: number): void {
    if (count > 0) this.#options.metrics.records(outcome, count);
  }
}

interface Failure {
  readonly record: IncomingRecord;
  readonly error: KeyferryError;
}

/** What became of a record: `superseded` by a later one of its key, `own` news of this Redis, `reserved` key of ours. */
export type SinkOutcome = 'applied' | 'superseded' | 'own' | 'reserved' | 'dead-lettered';

const replacementIn = ({ value, headers }: IncomingRecord): Change['replacement'] =>
  value === null ? undefined : replacementOf(decodeState(value, readKeyRecordHeaders(headers)));

const unreadable = (what: string): KeyferryError => new KeyferryError('KF_RECORD_UNREADABLE', what);
