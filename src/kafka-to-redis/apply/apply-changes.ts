import { refusal } from '../../clients/redis/errors.ts';
import type { RedisArgument, RedisConnection, RedisScript } from '../../clients/redis/port.ts';
import type { KeyferryError } from '../../core/errors.ts';
import { REMOVE, REPLACE } from './replace-script.ts';
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
  const gone = changes.filter(({ replacement }) => replacement === undefined);
  const replaced = changes.filter(({ replacement }) => replacement !== undefined);
  const calls: Promise<void>[] = [];
  for (const call of intoCalls(gone, sizeOf)) calls.push(run(connection, REMOVE, call, refused));
  for (const call of intoCalls(replaced, sizeOf)) calls.push(run(connection, REPLACE, call, refused));
  // All are awaited, whatever becomes of one: what is tried again must not meet a leftover of the first try.
  for (const outcome of await Promise.allSettled(calls)) if (outcome.status === 'rejected') throw outcome.reason;
  return refused;
};

const run = async (
  connection: RedisConnection,
  script: RedisScript,
  changes: readonly Change[],
  refused: Map<Change, KeyferryError>,
): Promise<void> => {
  const keys = changes.map(({ key }) => key);
  const ownArgs = changes.map(({ replacement = [] }) => replacement);
  const outcomes = await connection.scriptEach(script, { keys, args: [], ownArgs });
  for (const [at, change] of changes.entries()) {
    const outcome = outcomes[at] ?? null;
    if (outcome instanceof Error) throw outcome;
    if (!Buffer.isBuffer(outcome)) continue;
    const error = refusal(change.replacement?.[0] === 'dump' ? 'RESTORE' : 'the state', outcome.toString());
    if (error.code !== 'KF_REDIS_REFUSED') throw error;
    refused.set(change, error);
  }
};

const sizeOf = ({ key, replacement = [] }: Change): { readonly values: number; readonly bytes: number } => {
  let bytes = key.length;
  for (const argument of replacement) if (typeof argument === 'object') bytes += argument.length;
  return { values: replacement.length, bytes };
};
