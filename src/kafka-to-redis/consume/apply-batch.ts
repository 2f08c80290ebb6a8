import type { IncomingRecord, RecordBatch } from '../../clients/kafka/port.ts';
import { ensureOrigin } from '../../clients/redis/origin.ts';
import type { RedisConnection } from '../../clients/redis/port.ts';
import { type KeyferryError, isKeyferryError } from '../../core/errors.ts';
import { type KeyName, isReserved, keyName } from '../../core/key-name.ts';
import type { SinkOutcome } from '../../core/sink-outcome.ts';
import { type Change, applyChanges } from '../apply/apply-changes.ts';
import type { Outcomes, Target } from './applier.ts';
import type { AppliedWatch } from './applied-watch.ts';
import { isOwnRecord } from './own-records.ts';

/** What a record makes of which key. */
export interface Reading {
  readonly key: Buffer;
  /** Asked only where no later record of the key counts. @throws KF_RECORD_UNREADABLE, KF_RECORD_OMITTED */
  readonly replacement: () => Change['replacement'];
}

/** @throws KF_RECORD_UNREADABLE where it has no key */
export type ReadRecord = (record: IncomingRecord, batch: Pick<RecordBatch, 'topic' | 'partition'>) => Reading;

/** One key's records in a batch, in offset order: the last one counts, and the one before it where it cannot be applied. */
interface Chain {
  readonly key: Buffer;
  readonly records: { readonly record: IncomingRecord; readonly replacement: Reading['replacement'] }[];
}

interface Failure {
  readonly record: IncomingRecord;
  readonly error: KeyferryError;
}

interface ChainFailure extends Failure {
  readonly chain: Chain;
}

/** Applies a batch as if its records had replaced their keys one by one, in order, those that cannot be applied left out. */
export const applyBatch = async (batch: RecordBatch, target: Target, read: ReadRecord): Promise<Outcomes> => {
  const { db, connection, deadLetters, watch, randomId } = target;
  const putAside = async (failures: readonly Failure[]): Promise<void> => {
    if (failures.length === 0) return;
    const { topic, partition } = batch;
    await deadLetters.put(failures.map(({ record, error }) => ({ topic, partition, record, error })));
  };
  // Asked anew for each batch: a flush or another dataset may have changed it without our noticing.
  const isOwn = isOwnRecord(await ensureOrigin(connection, randomId), db);
  const { chains, keyless, own, reserved } = sort(batch, read, isOwn);
  let deadLettered = keyless.length;
  let applied = 0;
  for (let round = chains; round.length > 0;) {
    const failures = await applyLast(round, connection);
    await putAside(failures);
    applied += round.length - failures.length;
    if (watch.isWatched) tellWatch(watch, round, failures);
    deadLettered += failures.length;
    for (const { chain } of failures) chain.records.pop();
    round = failures.map(({ chain }) => chain).filter(({ records }) => records.length > 0);
  }
  await putAside(keyless);
  const superseded = batch.records.length - applied - deadLettered - own - reserved;
  return new Map<SinkOutcome, number>([
    ['applied', applied],
    ['superseded', superseded],
    ['own', own],
    ['reserved', reserved],
    ['dead-lettered', deadLettered],
  ]);
};

const tellWatch = (watch: AppliedWatch, round: readonly Chain[], failures: readonly ChainFailure[]): void => {
  const failed = new Set(failures.map(({ chain }) => chain));
  for (const chain of round) {
    const last = chain.records.at(-1);
    if (last !== undefined && !failed.has(chain)) watch.applied(chain.key, last.record);
  }
};

/** Applies the last record of each chain. Returns those that could not be applied. */
const applyLast = async (chains: readonly Chain[], connection: RedisConnection): Promise<readonly ChainFailure[]> => {
  const failures: ChainFailure[] = [];
  const changes = new Map<Change, Omit<ChainFailure, 'error'>>();
  for (const chain of chains) {
    const last = chain.records.at(-1);
    if (last === undefined) continue;
    const { record, replacement } = last;
    try {
      changes.set({ key: chain.key, replacement: replacement() }, { chain, record });
    } catch (error) {
      if (!isKeyferryError(error)) throw error;
      failures.push({ chain, record, error });
    }
  }
  for (const [change, error] of await applyChanges(connection, [...changes.keys()])) {
    const refused = changes.get(change);
    if (refused !== undefined) failures.push({ ...refused, error });
  }
  return failures;
};

const sort = (batch: RecordBatch, read: ReadRecord, isOwn: ReturnType<typeof isOwnRecord>) => {
  const chains = new Map<KeyName, Chain>();
  const keyless: Failure[] = [];
  let own = 0;
  let reserved = 0;
  const add = (record: IncomingRecord): void => {
    const { key, replacement } = read(record, batch);
    const name = keyName(key);
    const chain = chains.get(name);
    if (chain !== undefined) chain.records.push({ record, replacement });
    else if (isReserved(name)) reserved += 1;
    else chains.set(name, { key, records: [{ record, replacement }] });
  };
  for (const record of batch.records) {
    if (isOwn(record.headers)) own += 1;
    else {
      try {
        add(record);
      } catch (error) {
        if (!isKeyferryError(error)) throw error;
        keyless.push({ record, error });
      }
    }
  }
  return { chains: [...chains.values()], keyless, own, reserved };
};
