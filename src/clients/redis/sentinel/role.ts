import type { RedisConnection, RedisReply } from '../port.ts';

/** `master`, `slave` or `sentinel`. @throws as RedisConnection.call does; KF_REDIS_PERMISSION where the user may not ask. */
export const readRole = async (connection: Pick<RedisConnection, 'call'>): Promise<string> => {
  const reply = await connection.call('ROLE');
  return Array.isArray(reply) ? String((reply as readonly RedisReply[])[0]) : '';
};
