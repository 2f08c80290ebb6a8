import type { RedisCommand, RedisConnection } from '../../clients/redis/port.ts';
import { isKeyferryError } from '../../core/errors.ts';
import { RestFailure } from './failure.ts';
import { LostReply, type RestReply, asRestReply, listOf } from './reply.ts';

type Send = (connection: RedisConnection, commands: readonly RedisCommand[]) => Promise<readonly RestReply[]>;

/** One write, one reply each, errors in their places. Those of other requests may run between them. */
export const sendEach: Send = async (connection, commands) => {
  if (commands.length === 0) return [];
  const replies = await connection.pipeline(commands).catch(lost);
  return replies.map(asRestReply);
};

/**
 * All of them or none. MULTI to EXEC leave in one write, so that nobody's commands come between them on the connection.
 * @throws RestFailure where none ran, or nobody knows.
 */
export const sendTransaction: Send = async (connection, commands) => {
  const replies = (await connection.pipeline([['MULTI'], ...commands, ['EXEC']]).catch(lost)).map(asRestReply);
  const [begun = null, ...queued] = replies;
  const executed = queued.pop() ?? null;
  if (executed instanceof LostReply) throw executed;
  if (begun instanceof Error) {
    throw new RestFailure('ERR', `Redis refused MULTI, so the commands ran one by one: ${begun.message}`);
  }
  if (executed instanceof Error) {
    const cause = queued.find((reply) => reply instanceof Error) ?? executed;
    throw new RestFailure('EXECABORT', `none of the commands ran: ${cause.message}`);
  }
  return listOf(executed);
};

const lost = (error: unknown): never => {
  throw isKeyferryError(error) ? new RestFailure('UNAVAILABLE', `${error.message}; nothing was sent`) : error;
};
