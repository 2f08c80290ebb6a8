import { wordsOfRedis } from '../../clients/redis/errors.ts';
import type { RedisReply } from '../../clients/redis/port.ts';
import { isKeyferryError } from '../../core/errors.ts';
import { RestFailure } from './failure.ts';

/** A reply on a connection for others: integers are text, and an error may stand inside an array (EXEC, scripts). */
export type RestReply = Buffer | string | null | Error | readonly RestReply[];

/** The connection broke while a command was under way. */
export class LostReply extends RestFailure {
  constructor(reason: string) {
    super('UNAVAILABLE', `${reason}; whether the command ran is not known`);
  }
}

/** Redis' own words become a plain error. The client's type knows neither text nor inner errors. */
export const asRestReply = (reply: RedisReply | Error): RestReply => {
  if (!isKeyferryError(reply)) return reply as RestReply;
  const words = wordsOfRedis(reply);
  return words === undefined ? new LostReply(reply.message) : new Error(words);
};

export const listOf = (reply: RestReply | undefined): readonly RestReply[] =>
  Array.isArray(reply) ? (reply as readonly RestReply[]) : [];

/** Of a string or an integer. */
export const textOf = (reply: RestReply | undefined): string =>
  Buffer.isBuffer(reply) || typeof reply === 'string' ? reply.toString() : '';

/** A map as RESP2 writes it: names and values in turns. */
export const fieldsOf = (reply: RestReply | undefined): ReadonlyMap<string, RestReply> => {
  const flat = listOf(reply);
  const fields = new Map<string, RestReply>();
  for (let at = 0; at + 1 < flat.length; at += 2) fields.set(textOf(flat[at]), flat[at + 1] ?? null);
  return fields;
};
