import type { RedisReply } from '../../clients/redis/port.ts';

// A reply of another shape than its command's is a bug of ours, or a server that is no Redis: no error for operators.

export const arrayOf = (reply: RedisReply): readonly RedisReply[] => {
  if (!Array.isArray(reply)) throw new TypeError('Redis gave no array');
  return reply as readonly RedisReply[];
};

export const bufferOf = (reply: RedisReply): Buffer => {
  if (!Buffer.isBuffer(reply)) throw new TypeError('Redis gave no bulk string');
  return reply;
};

export const textOf = (reply: RedisReply | undefined): string => bufferOf(reply ?? null).toString('latin1');
