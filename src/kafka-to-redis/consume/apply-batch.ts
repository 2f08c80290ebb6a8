import type { IncomingRecord, RecordBatch } from '../../clients/kafka/port.ts';
import { ensureOrigin } from '../../clients/redis/origin.ts';
import type { RedisConnection } from '../../clients/redis/port.ts';
import { decodeState } from '../../codecs/key-record.ts';
import { readKeyRecordHeaders } from '../../codecs/record-headers.ts';
import { KeyferryError, isKeyferryError } from '../../core/errors.ts';
import { type KeyName, isReserved, keyName } from '../../core/key-name.ts';
import type { SinkOutcome } from '../../core/sink-outcome.ts';
import { type Change, applyChanges } from '../apply/apply-changes.ts';
import { replacementOf } from '../apply/replacement.ts';
import type { DeadLetters } from './dead-letters.ts';
import { isOwnRecord } from './own-records.ts';

/** The database that is written to, and where poison goes. */
export interface Target {
  readonly db: number;
  readonly connection: RedisConnection;
  readonly deadLetters: DeadLetters;
  readonly randomId: () => string;
}

/** One key's records in a batch, in offset order: the last one counts, and the one before it where it cannot be applied. */
interface Chain {
  readonly key: Buffer;
  readonly records: IncomingRecord[];
}

interface Failure {
  readonly record: IncomingRecord;
  readonly error: KeyferryError;
}

interface ChainFailure extends Failure {
  readonly chain: Chain;
}

/**
 * Applies a batch as if its records had been applied one by one, in order, those that cannot be applied left out: it
 * resolves once every record is applied, passed over for a reason, or safe among the dead letters (I5, I8). What fails
 * for a reason that passes may be repeated as a whole (I6).
 * @returns how many records came to which end.
 * @throws KF_REDIS_UNAVAILABLE, KF_KAFKA_UNAVAILABLE; KF_SINK_STOPPED, KF_REDIS_AUTH, KF_REDIS_PERMISSION
 */
export const applyBatch = async (batch: RecordBatch, target: Target): Promise<ReadonlyMap<SinkOutcome, number>> => {
  const { db, connection, deadLetters, randomId } = target;
  const putAside = async (failures: readonly Failure[]): Promise<void> => {
    if (failures.length === 0) return;
    const { topic, partition } = batch;
    await deadLetters.put(failures.map(({ record, error }) => ({ topic, partition, record, error })));
  };
  // Asked anew for each batch: a flush or another dataset may have changed it without our noticing.
  const isOwn = isOwnRecord(await ensureOrigin(connection, randomId), db);
  const { chains, keyless, own, reserved } = sort(batch.records, isOwn);
  let deadLettered = keyless.length;
  let applied = 0;
  for (let round = chains; round.length > 0;) {
    const failures = await applyLast(round, connection);
    await putAside(failures);
    applied += round.length - failures.length;
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

/** Applies the last record of each chain. Returns those that could not be applied. */
const applyLast = async (chains: readonly Chain[], connection: RedisConnection): Promise<readonly ChainFailure[]> => {
  const failures: ChainFailure[] = [];
  const changes = new Map<Change, Omit<ChainFailure, 'error'>>();
  for (const chain of chains) {
    const record = chain.records.at(-1);
    if (record === undefined) continue;
    try {
      changes.set({ key: chain.key, replacement: replacementIn(record) }, { chain, record });
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

const sort = (records: readonly IncomingRecord[], isOwn: ReturnType<typeof isOwnRecord>) => {
  const chains = new Map<KeyName, Chain>();
  const keyless: Failure[] = [];
  let own = 0;
  let reserved = 0;
  for (const record of records) {
    if (record.key === null) {
      keyless.push({ record, error: new KeyferryError('KF_RECORD_UNREADABLE', 'the record has no key') });
    } else if (isOwn(record.headers)) own += 1;
    else {
      const name = keyName(record.key);
      const chain = chains.get(name);
      if (chain !== undefined) chain.records.push(record);
      else if (isReserved(name)) reserved += 1;
      else chains.set(name, { key: record.key, records: [record] });
    }
  }
  return { chains: [...chains.values()], keyless, own, reserved };
};

const replacementIn = ({ value, headers }: IncomingRecord): Change['replacement'] =>
  value === null ? undefined : replacementOf(decodeState(value, readKeyRecordHeaders(headers)));
