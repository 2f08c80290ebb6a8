import type { Clock } from '../../core/clock.ts';
import { KeyferryError } from '../../core/errors.ts';
import type { RedisConnection } from './port.ts';

/** @throws KF_REDIS_UNAVAILABLE after `ms`, whatever the promise does later. */
export const within = async <T>(ms: number, clock: Clock, promise: Promise<T>): Promise<T> => {
  const settled = new AbortController();
  const overdue = clock.sleep(ms, settled.signal).then((): never => {
    throw new KeyferryError('KF_REDIS_UNAVAILABLE', `Redis did not answer within ${ms} ms`);
  });
  overdue.catch(() => undefined);
  promise.catch(() => undefined);
  try {
    return await Promise.race([promise, overdue]);
  } finally {
    settled.abort();
  }
};

/**
 * The answers of those who answer: of all, or of those who did within `graceMs` of the first.
 * @throws the first reason where none answers.
 */
export const firstAnswers = async <T>(
  asked: readonly Promise<T>[],
  { graceMs, clock }: { readonly graceMs: number; readonly clock: Clock },
): Promise<readonly T[]> => {
  const answers: T[] = [];
  const all = Promise.allSettled(
    asked.map(async (answer) => {
      answers.push(await answer);
    }),
  );
  try {
    await Promise.any(asked);
  } catch {
    await Promise.all(asked);
  }
  const done = new AbortController();
  await Promise.race([all, clock.sleep(graceMs, done.signal)]);
  done.abort();
  return [...answers];
};

/**
 * Asks over a connection that may still be on its way.
 * @throws after `ms` why it is not connected; KF_REDIS_UNAVAILABLE where it is, and nothing was answered.
 */
export const askWithin = async <T>(
  connection: RedisConnection,
  question: (connection: RedisConnection) => Promise<T>,
  { ms, clock }: { readonly ms: number; readonly clock: Clock },
): Promise<T> => {
  const enough = new AbortController();
  const reached = connection.ready(enough.signal);
  try {
    return await within(
      ms,
      clock,
      reached.then(() => question(connection)),
    );
  } catch (error) {
    enough.abort();
    // Who refuses us is dialled more seldom than asked, and said why before: that tells more than that time is up.
    await reached;
    throw error;
  } finally {
    enough.abort();
  }
};
