import type { Clock } from '../core/clock.ts';
import type { KeyferryError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { retry } from '../core/retry.ts';

/** Shorter waits are nobody's concern. */
const NOTABLE_RETRY_MS = 400;

/** Tries what fails for a reason that passes until it succeeds, and tells what is waited for just now. */
export class Patience {
  readonly #options: { readonly clock: Clock; readonly logger: Logger };
  /** By what is tried. */
  readonly #reasons = new Map<string, string>();
  /** What failed once, and may be over at the next try. */
  readonly #failedOnce = new Set<string>();

  constructor(options: { readonly clock: Clock; readonly logger: Logger }) {
    this.#options = options;
  }

  /** Why something has not succeeded for a while; each reason once. */
  get reasons(): readonly string[] {
    return [...new Set(this.#reasons.values())];
  }

  /** @returns undefined where the signal came first. @throws what does not pass by itself. */
  async tryUntilDone<T>(what: string, signal: AbortSignal, action: () => Promise<T>): Promise<T | undefined> {
    const { clock } = this.#options;
    const done = await retry(action, {
      clock,
      signal,
      onFailure: ({ code, message }, retryMs) => {
        if (retryMs >= NOTABLE_RETRY_MS && !signal.aborted) this.#waitFor(what, { code, message });
      },
    });
    this.#goOn(what);
    return done;
  }

  /** One of several that are tried together failed for a reason that passes, while others go on. */
  failed(what: string, error: KeyferryError): void {
    if (this.#failedOnce.has(what)) this.#waitFor(what, error);
    this.#failedOnce.add(what);
  }

  /** One of several that are tried together succeeded. */
  succeeded(what: string): void {
    if (this.#failedOnce.delete(what)) this.#goOn(what);
  }

  #waitFor(what: string, { code, message }: Pick<KeyferryError, 'code' | 'message'>): void {
    if (!this.reasons.includes(message)) this.#options.logger.warn({ code, reason: message, what }, 'waiting');
    this.#reasons.set(what, message);
  }

  #goOn(what: string): void {
    if (this.#reasons.delete(what) && this.#reasons.size === 0) this.#options.logger.info({}, 'the source goes on');
  }
}
