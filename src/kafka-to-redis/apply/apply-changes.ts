import { refusal } from '../../clients/redis/errors.ts';
import type { RedisArgument, RedisConnection, RedisReply } from '../../clients/redis/port.ts';
import type { KeyferryError } from '../../core/errors.ts';
import { REPLACE } from './replace-script.ts';
import { intoCalls } from './script-calls.ts';

/** What becomes of one key. */
export interface Change {
  readonly key: Buffer;
  /** As replacementOf makes it; undefined: the key goes. */
  readonly replacement: readonly RedisArgument[] | undefined;
}

/**
 * Brings keys into their states, each one atomically. Idempotent (I6). Each key may appear once.
 * @returns what Redis refused, with its words; those keys keep what they held.
 * @throws KF_REDIS_UNAVAILABLE and whatever else concerns no single key: any of the changes may then be applied.
 */
export const applyChanges = async (
  connection: RedisConnection,
  changes: readonly Change[],
): Promise<ReadonlyMap<Change, KeyferryError>> => {
  const refused = new Map<Change, KeyferryError>();
  const calls: Promise<unknown>[] = [];
  const gone = changes.filter(({ replacement }) => replacement === undefined);
  if (gone.length > 0) calls.push(connection.call('UNLINK', ...gone.map(({ key }) => key)));
  const replaced = changes.filter(({ replacement }) => replacement !== undefined);
  for (const call of intoCalls(replaced, sizeOf)) {
    calls.push(replaceAll(connection, call, refused));
  }
  // All are awaited, whatever becomes of one: what is tried again must not meet a leftover of the first try.
  for (const outcome of await Promise.allSettled(calls)) if (outcome.status === 'rejected') throw outcome.reason;
  return refused;
};

const replaceAll = async (
  connection: RedisConnection,
  changes: readonly Change[],
  refused: Map<Change, KeyferryError>,
): Promise<void> => {
  const keys = changes.map(({ key }) => key);
  const reply = await connection.script(
    REPLACE,
    keys,
    changes.flatMap(({ replacement }) => replacement ?? []),
  );
  for (const [position, words] of pairs(reply)) {
    const change = changes[Number(position) - 1];
    const error = refusal(change?.replacement?.[0] === 'dump' ? 'RESTORE' : 'the state', String(words));
    if (error.code !== 'KF_REDIS_REFUSED') throw error;
    if (change !== undefined) refused.set(change, error);
  }
};

const pairs = (reply: RedisReply): [RedisReply, RedisReply][] => {
  const flat = Array.isArray(reply) ? (reply as readonly RedisReply[]) : [];
  return flat.flatMap((first, index) => (index % 2 === 0 ? [[first, flat[index + 1] ?? null]] : []));
};

const sizeOf = ({ key, replacement = [] }: Change): { readonly values: number; readonly bytes: number } => {
  let bytes = key.length;
  for (const argument of replacement) if (typeof argument === 'object') bytes += argument.length;
  return { values: replacement.length, bytes };
};
