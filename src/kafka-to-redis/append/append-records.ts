import type { IncomingRecord } from '../../clients/kafka/port.ts';
import { refusal } from '../../clients/redis/errors.ts';
import type { RedisArgument, RedisConnection, RedisReply } from '../../clients/redis/port.ts';
import { KeyferryError } from '../../core/errors.ts';
import { type KeyName, keyName } from '../../core/key-name.ts';
import { APPEND } from './append-script.ts';

/** One record's part of a list or stream. */
export interface Addition {
  readonly record: IncomingRecord;
  readonly key: Buffer;
  /** The item of a list; fields and values of an entry, alternating. */
  readonly values: readonly Buffer[];
}

/** What all records of a call share. */
export interface Shelf {
  /** Where the position stands, and what it is called there. */
  readonly positions: Buffer;
  readonly field: string;
  /** '' where it is not known. */
  readonly topicId: string;
  readonly verb: 'LPUSH' | 'RPUSH' | 'XADD';
  readonly maxLength: number | undefined;
  readonly expireMs: number | undefined;
  /** Of the IDs of entries, whose other part is the offset; not 0: Redis takes no 0-0. */
  readonly sequence: number;
}

export interface Appended {
  readonly added: number;
  /** That were added before. */
  readonly repeated: number;
  readonly refused: readonly { readonly record: IncomingRecord; readonly error: KeyferryError }[];
  /** Neither, so far: what follows a refusal. */
  readonly left: readonly Addition[];
}

/**
 * Appends in order, each record once, however often it comes (I6), and up to a refusal: the position must not pass a
 * record before that is safe elsewhere.
 * @throws KF_REDIS_UNAVAILABLE and whatever else concerns no single key: any of the additions may then be made.
 */
export const appendRecords = async (
  connection: RedisConnection,
  additions: readonly Addition[],
  shelf: Shelf,
): Promise<Appended> => {
  const keys = new Map<KeyName, number>();
  const keyBytes = [shelf.positions];
  const args: RedisArgument[] = [
    shelf.field,
    shelf.topicId,
    shelf.verb,
    shelf.maxLength ?? '',
    shelf.expireMs === undefined || shelf.expireMs === 0 ? '' : shelf.expireMs,
    shelf.sequence,
  ];
  for (const { record, key, values } of additions) {
    const name = keyName(key);
    let number = keys.get(name);
    if (number === undefined) {
      number = keyBytes.push(key) - 1;
      keys.set(name, number);
    }
    args.push(number, String(record.offset), values.length);
    for (const value of values) args.push(value);
  }
  return read(await connection.script(APPEND, keyBytes, args), additions);
};

const read = (reply: RedisReply, additions: readonly Addition[]): Appended => {
  const [repeated, added, ...refusals] = Array.isArray(reply) ? (reply as readonly RedisReply[]) : [];
  if (typeof repeated !== 'number' || typeof added !== 'number') {
    throw new KeyferryError('KF_REDIS_REFUSED', 'the script that appends gave an answer of another form');
  }
  const refused = new Map<Addition, KeyferryError>();
  for (let at = 0; at + 1 < refusals.length; at += 2) {
    const addition = additions[Number(refusals[at]) - 1];
    const error = refusal('the record', String(refusals[at + 1]));
    if (error.code !== 'KF_REDIS_REFUSED') throw error;
    if (addition !== undefined) refused.set(addition, error);
  }
  return {
    added,
    repeated,
    refused: [...refused].map(([{ record }, error]) => ({ record, error })),
    left: additions.slice(repeated + added).filter((addition) => !refused.has(addition)),
  };
};
