import type { IncomingRecord, RecordBatch } from '../../clients/kafka/port.ts';
import { slotOf } from '../../clients/redis/cluster/slots.ts';
import { ensureOrigin } from '../../clients/redis/origin.ts';
import { type KeyferryError, isKeyferryError } from '../../core/errors.ts';
import { isReserved, keyName } from '../../core/key-name.ts';
import { appendRecords } from '../append/append-records.ts';
import { positionField, positionsKey } from '../append/positions.ts';
import type { Target } from '../consume/applier.ts';
import { isOwnRecord } from '../consume/own-records.ts';
import type { RecordReader } from '../consume/record-reader.ts';

/** For so long Redis knows that a letter was appended, should it be retried again because nobody noted that it was. */
const REMEMBERED_MS = 86_400_000;

/**
 * Appends single records behind what their keys hold by now. Unlike a batch they are not in the order of their partition,
 * so each has a position of its own.
 * @returns why some were not.
 * @throws KF_REDIS_UNAVAILABLE and whatever else concerns no single key
 */
export const appendOnce = async (
  batch: RecordBatch,
  reader: Extract<RecordReader, { effect: 'append' }>,
  target: Target,
): Promise<ReadonlyMap<IncomingRecord, KeyferryError>> => {
  const isOwn = isOwnRecord(await ensureOrigin(target.connection, target.randomId), target.db);
  const refused = new Map<IncomingRecord, KeyferryError>();
  for (const record of batch.records) {
    if (record.value === null || isOwn(record.headers)) continue;
    try {
      const error = await append(record, batch, reader, target);
      if (error !== undefined) refused.set(record, error);
    } catch (error) {
      if (!isKeyferryError(error, 'KF_RECORD_UNREADABLE', 'KF_RECORD_OMITTED')) throw error;
      refused.set(record, error);
    }
  }
  return refused;
};

const append = async (
  record: IncomingRecord,
  batch: RecordBatch,
  { read, options }: Extract<RecordReader, { effect: 'append' }>,
  { connection, isCluster }: Target,
): Promise<KeyferryError | undefined> => {
  const { name, verb, maxLength, expireMs } = options;
  const addition = { record, ...read(record, batch) };
  if (isReserved(keyName(addition.key))) return undefined;
  const field = positionField(batch);
  const positions = positionsKey(name, isCluster ? slotOf(addition.key) : undefined);
  const own = Buffer.concat([positions, Buffer.from(`:retried:${field}/${record.offset}`)]);
  const shelf = { positions: own, field, topicId: '', verb, maxLength, expireMs, sequence: batch.partition + 1 };
  const { refused } = await appendRecords(connection, [addition], shelf);
  // Where the user may not, the key stays.
  await connection.call('PEXPIRE', own, REMEMBERED_MS).catch((error: unknown) => {
    if (!isKeyferryError(error, 'KF_REDIS_PERMISSION')) throw error;
  });
  return refused[0]?.error;
};
