import { ensureOrigin } from '../clients/redis/origin.ts';
import type { RedisConnection } from '../clients/redis/port.ts';
import type { Logger } from '../core/log.ts';
import { isTransient } from '../core/retry.ts';
import type { Notes } from '../state-store/notes.ts';

const NOTE = 'origin';

export interface RememberedOriginOptions {
  /** undefined: nothing is remembered. */
  readonly notes?: Notes | undefined;
  readonly randomId: () => string;
  readonly logger: Logger;
}

/**
 * The id of the Redis deployment, remembered over restarts: in a cluster the master that has it may be the one that is
 * away, and the keys of the others need not wait for it.
 */
export class RememberedOrigin {
  readonly #options: RememberedOriginOptions;
  #told: string | undefined;

  constructor(options: RememberedOriginOptions) {
    this.#options = options;
  }

  /** @throws as ensureOrigin does; KF_REDIS_UNAVAILABLE only where no id is remembered. */
  async open(connection: RedisConnection): Promise<string> {
    const { notes, randomId, logger } = this.#options;
    try {
      const origin = await ensureOrigin(connection, randomId);
      if (notes?.get(NOTE) !== origin) await notes?.set(NOTE, origin);
      return origin;
    } catch (error) {
      const remembered = isTransient(error) ? notes?.get(NOTE) : undefined;
      if (remembered === undefined) throw error;
      const reason = (error as Error).message;
      logger.warn({ reason }, 'the id of this Redis cannot be read, and the one remembered is used');
      return remembered;
    }
  }

  /**
   * A flush takes the id away: it is put back, for the records that bear it. Another dataset brings its own, which is told.
   * @param origin what `open` gave. @throws as ensureOrigin does.
   */
  async look(connection: RedisConnection, origin: string): Promise<void> {
    const { notes, logger } = this.#options;
    const found = await ensureOrigin(connection, () => origin);
    if (found === origin || found === this.#told) return;
    this.#told = found;
    await notes?.set(NOTE, found);
    logger.warn({ origin, found }, 'this Redis has another id now, which records bear after a restart');
  }
}
