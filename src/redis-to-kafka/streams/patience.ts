import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/log.ts';
import { retry } from '../../core/retry.ts';

/** Shorter waits are nobody's concern. */
const NOTABLE_RETRY_MS = 400;

/** Tries what fails for a reason that passes until it succeeds, and tells what is waited for just now. */
export class Patience {
  readonly #options: { readonly clock: Clock; readonly logger: Logger };
  /** By what is tried. */
  readonly #reasons = new Map<string, string>();

  constructor(options: { readonly clock: Clock; readonly logger: Logger }) {
    this.#options = options;
  }

  /** Why something has not succeeded for a while; each reason once. */
  get reasons(): readonly string[] {
    return [...new Set(this.#reasons.values())];
  }

  /** @returns undefined where the signal came first. @throws what does not pass by itself. */
  async tryUntilDone<T>(what: string, signal: AbortSignal, action: () => Promise<T>): Promise<T | undefined> {
    const { clock, logger } = this.#options;
    const done = await retry(action, {
      clock,
      signal,
      onFailure: ({ code, message }, retryMs) => {
        if (retryMs < NOTABLE_RETRY_MS || signal.aborted) return;
        if (!this.reasons.includes(message)) logger.warn({ code, reason: message, what }, 'waiting');
        this.#reasons.set(what, message);
      },
    });
    if (this.#reasons.delete(what) && this.#reasons.size === 0) logger.info({}, 'the source goes on');
    return done;
  }
}
