import type { IncomingRecord } from '../clients/kafka/port.ts';
import { decodeState } from '../codecs/key-record.ts';
import { readKeyRecordHeaders } from '../codecs/record-headers.ts';
import { decodeStreamRecord } from '../codecs/stream-record.ts';
import { KeyferryError } from '../core/errors.ts';
import { HEADER, type KeyOp } from '../core/key-record.ts';
import { LIST_HEADER } from '../core/list-record.ts';
import type { Place } from '../core/place.ts';
import { STREAM_HEADER } from '../core/stream-record.ts';
import { type RawState, type Snapshot, type State, pairsOf, snapshotOf } from './state.ts';

interface Common {
  /** The id of the Redis deployment that it comes from. */
  readonly origin: string;
  /** When Keyferry saw the change, read the entry or took the item: Unix ms. */
  readonly seenAt: number;
  /** Where the record stands on the topic. */
  readonly position: Place;
}

/** A key's latest state, from a source of type `keyspace`. */
export interface KeyRecord extends Common {
  readonly kind: 'key';
  readonly key: Buffer;
  /** The key as UTF-8 text. */
  readonly keyText: string;
  /** `set`: the key holds `state`. The others say why it is gone. */
  readonly op: KeyOp;
  /** The type of the key, as Redis names it. */
  readonly redisType: string;
  readonly db: number;
  /** undefined: the key is gone. */
  readonly state: State | undefined;
  /** `state` with every byte as it is. */
  readonly raw: RawState | undefined;
  /** Unix ms; undefined where the key does not expire. */
  readonly expireAt: number | undefined;
}

/** An entry of a Redis stream, from a source of type `stream`. One that came twice has the same `id` both times. */
export interface EntryRecord extends Common {
  readonly kind: 'entry';
  /** The stream's name. */
  readonly stream: Buffer;
  readonly streamText: string;
  readonly id: string;
  /** As text; of a field that repeats, the first value. */
  readonly fields: Readonly<Record<string, string>>;
  /** Alternates field, value, every byte as it is. */
  readonly raw: readonly Buffer[];
}

/** An item of a Redis list, from a source of type `list`. */
export interface ItemRecord extends Common {
  readonly kind: 'item';
  /** The list's name. */
  readonly list: Buffer;
  readonly listText: string;
  readonly value: Buffer;
  /** `value` as UTF-8 text. */
  readonly text: string;
}

export type ConsumedRecord = KeyRecord | EntryRecord | ItemRecord;

/** A record that is none of Keyferry's, or is damaged. */
export interface UnreadableRecord extends Pick<IncomingRecord, 'key' | 'value' | 'headers'> {
  readonly position: Place;
  /** KF_RECORD_UNREADABLE: what is wrong. */
  readonly error: KeyferryError;
}

/** @throws KF_RECORD_UNREADABLE with what is wrong, and never with a value */
export const readRecord = (record: IncomingRecord, position: Place): ConsumedRecord => {
  const { headers } = record;
  if (headers.has(HEADER.op)) return keyRecord(record, position);
  if (headers.has(STREAM_HEADER.stream)) return entryRecord(record, position);
  if (headers.has(LIST_HEADER.list)) return itemRecord(record, position);
  throw unreadable('it has no header of a Keyferry source');
};

const keyRecord = ({ key, value, headers }: IncomingRecord, position: Place): KeyRecord => {
  if (key === null) throw unreadable('it has no key');
  const { op, redisType, db, ts: seenAt, origin, expireAt } = readKeyRecordHeaders(headers);
  if ((op === 'set') !== (value !== null)) throw unreadable(`it says ${op}, and does not look so`);
  const { state, raw, ...held }: Partial<Snapshot> =
    value === null ? {} : snapshotOf(decodeState(value, { redisType, expireAt }));
  return {
    kind: 'key',
    key,
    keyText: key.toString('utf8'),
    op,
    redisType,
    db,
    state,
    raw,
    expireAt: held.expireAt,
    origin,
    seenAt,
    position,
  };
};

const entryRecord = ({ value, headers }: IncomingRecord, position: Place): EntryRecord => {
  if (value === null) throw unreadable('it has no value');
  const { stream, id, fields: raw, ts: seenAt, origin } = decodeStreamRecord(value, headers);
  const fields = Object.fromEntries(pairsOf(raw).toReversed());
  return { kind: 'entry', stream, streamText: stream.toString('utf8'), id, fields, raw, origin, seenAt, position };
};

const itemRecord = ({ value, headers }: IncomingRecord, position: Place): ItemRecord => {
  const list = headers.get(LIST_HEADER.list);
  const ts = headers.get(LIST_HEADER.ts)?.toString('latin1') ?? '';
  if (value === null || list === undefined || !/^\d{1,15}$/.test(ts)) throw unreadable('it is no item of a list');
  return {
    kind: 'item',
    list,
    listText: list.toString('utf8'),
    value,
    text: value.toString('utf8'),
    origin: headers.get(LIST_HEADER.origin)?.toString('utf8') ?? '',
    seenAt: Number(ts),
    position,
  };
};

const unreadable = (what: string): KeyferryError => new KeyferryError('KF_RECORD_UNREADABLE', what);
