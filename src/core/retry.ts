import type { Clock } from './clock.ts';
import { type ErrorCode, type KeyferryError, isKeyferryError } from './errors.ts';

const FIRST_MS = 100;
const MAX_MS = 2_000;

/** Failures that pass by themselves, once the other side is back. */
const TRANSIENT: readonly ErrorCode[] = ['KF_REDIS_UNAVAILABLE', 'KF_KAFKA_UNAVAILABLE'];

export const isTransient = (error: unknown): error is KeyferryError => isKeyferryError(error, ...TRANSIENT);

export interface RetryOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Codes of further failures that pass. */
  readonly passes?: readonly ErrorCode[];
  /** Told of each failure that will be tried again. */
  readonly onFailure: (error: KeyferryError, retryMs: number) => void;
}

/**
 * Repeats an action while it fails for a reason that passes, with backoff.
 * @returns undefined where the signal ended it.
 * @throws whatever else the action throws.
 */
export const retry = async <T>(action: () => Promise<T>, options: RetryOptions): Promise<T | undefined> => {
  const passing = [...TRANSIENT, ...(options.passes ?? [])];
  for (let retryMs = FIRST_MS; !options.signal.aborted; retryMs = Math.min(retryMs * 2, MAX_MS)) {
    try {
      return await action();
    } catch (error) {
      if (!isKeyferryError(error, ...passing)) throw error;
      options.onFailure(error, retryMs);
      await options.clock.sleep(retryMs, options.signal);
    }
  }
  return undefined;
};
