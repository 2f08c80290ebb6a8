import type { RedisConnection, RedisReply } from '../../clients/redis/port.ts';
import { type KeyferryError, isKeyferryError } from '../../core/errors.ts';
import { isTransient } from '../../core/retry.ts';
import { arrayOf, bufferOf, textOf } from '../converge/redis-replies.ts';

/** What a group has before it. */
export interface GroupInfo {
  /** Entries that it has read and not acknowledged. */
  readonly pending: number;
  readonly lastDelivered: string;
  /** Entries that it has not read; undefined where Redis does not know: entries were deleted, or its position was set. */
  readonly lag: number | undefined;
}

/** What there is at a key, for one group. */
export type StreamInfo =
  | { readonly state: 'missing' | 'wrong-type' | 'without-group' }
  | { readonly state: 'with-group'; readonly group: GroupInfo };

/**
 * Looks at several keys at once.
 * @returns KF_REDIS_UNAVAILABLE in the place of a key whose master is away.
 * @throws KF_REDIS_PERMISSION
 */
export const inspectStreams = async (
  redis: RedisConnection,
  group: Buffer,
  names: readonly Buffer[],
): Promise<readonly (StreamInfo | KeyferryError)[]> => {
  const commands = names.map((name) => ['XINFO', 'GROUPS', name] as const);
  const replies = await redis.pipeline(commands).catch((error: unknown) => commands.map(() => error as Error));
  return replies.map((reply) => (reply instanceof Error ? absenceOf(reply) : infoOf(reply, group)));
};

const absenceOf = (error: Error): StreamInfo | KeyferryError => {
  if (isTransient(error)) return error;
  if (!isKeyferryError(error, 'KF_REDIS_REFUSED')) throw error;
  if (error.message.includes('no such key')) return { state: 'missing' };
  if (error.message.includes('WRONGTYPE')) return { state: 'wrong-type' };
  throw error;
};

const infoOf = (reply: RedisReply, group: Buffer): StreamInfo => {
  const fields = arrayOf(reply)
    .map(fieldsOf)
    .find((each) => bufferOf(each.get('name') ?? null).equals(group));
  if (fields === undefined) return { state: 'without-group' };
  const lag = fields.get('lag');
  return {
    state: 'with-group',
    group: {
      pending: Number(fields.get('pending')),
      lastDelivered: textOf(fields.get('last-delivered-id')),
      lag: typeof lag === 'number' ? lag : undefined,
    },
  };
};

/**
 * The most that a group can have before it, where Redis does not know it exactly: nothing at the end of the stream, and
 * the whole stream anywhere else. undefined: the stream is gone.
 */
export const boundLags = async (
  redis: RedisConnection,
  groups: readonly { readonly name: Buffer; readonly lastDelivered: string }[],
): Promise<readonly (number | undefined)[]> => {
  const replies = await redis.pipeline(groups.map(({ name }) => ['XINFO', 'STREAM', name]));
  return replies.map((reply, at) => {
    if (reply instanceof Error) return undefined;
    const fields = fieldsOf(reply);
    const isAtEnd = textOf(fields.get('last-generated-id')) === groups[at]?.lastDelivered;
    return isAtEnd ? 0 : Number(fields.get('length'));
  });
};

const fieldsOf = (reply: RedisReply): ReadonlyMap<string, RedisReply> => {
  const flat = arrayOf(reply);
  const fields = new Map<string, RedisReply>();
  for (let at = 0; at + 1 < flat.length; at += 2) fields.set(textOf(flat[at]), flat[at + 1] ?? null);
  return fields;
};
