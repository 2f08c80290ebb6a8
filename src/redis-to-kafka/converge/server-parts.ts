import type { Clock } from '../../core/clock.ts';
import { KeyferryError } from '../../core/errors.ts';
import type { KeyName } from '../../core/key-name.ts';
import type { PendingBatch, Touch } from './pending-keys.ts';

/** A server that answers nothing holds up the keys of others for so long, once. */
const PATIENCE_MS = 500;

export interface ServerPartsOptions {
  /** host:port, as far as is known. Absent: one server has all keys, and there is nobody to hold up. */
  readonly serverOf?: ((key: KeyName) => string | undefined) | undefined;
  readonly clock: Clock;
}

export interface PartHandlers {
  /** Never rejects. */
  readonly read: (part: PendingBatch) => Promise<void>;
  /** In place of `read`: the server has not answered yet what it was asked before. */
  readonly refuse: (part: PendingBatch, error: KeyferryError) => void;
}

/**
 * Reads batches server by server. A part that takes long goes on by itself, and what comes of it counts; until then its
 * server is asked no more.
 */
export class ServerParts {
  readonly #options: ServerPartsOptions;
  /** Parts that take long, by their server. */
  readonly #overdue = new Map<string, number>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: ServerPartsOptions) {
    this.#options = options;
  }

  /** Resolves when all parts are done, or have had their time. */
  async run(batch: PendingBatch, { read, refuse }: PartHandlers): Promise<void> {
    const { serverOf, clock } = this.#options;
    if (serverOf === undefined) {
      await read(batch);
      return;
    }
    const patience = new AbortController();
    const reads: Promise<void>[] = [];
    for (const [server, part] of split(batch, serverOf)) {
      if (server === undefined) reads.push(read(part));
      else if (this.#overdue.has(server)) refuse(part, silent(server));
      else reads.push(this.#follow(server, read(part), patience.signal));
    }
    await Promise.race([Promise.all(reads), clock.sleep(PATIENCE_MS, patience.signal)]);
    patience.abort();
  }

  /** Resolves when nothing is under way. */
  async done(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /** @param patience aborts when nobody waits any more. */
  #follow(server: string, reading: Promise<void>, patience: AbortSignal): Promise<void> {
    let isDone = false;
    const followed = reading.then(() => {
      isDone = true;
      this.#underWay.delete(followed);
      if (patience.aborted) this.#count(server, -1);
    });
    this.#underWay.add(followed);
    patience.addEventListener('abort', () => {
      if (!isDone) this.#count(server, 1);
    });
    return followed;
  }

  #count(server: string, change: number): void {
    const count = (this.#overdue.get(server) ?? 0) + change;
    if (count === 0) this.#overdue.delete(server);
    else this.#overdue.set(server, count);
  }
}

const silent = (server: string): KeyferryError =>
  new KeyferryError('KF_REDIS_UNAVAILABLE', `Redis at ${server} has not answered for ${PATIENCE_MS} ms`);

const split = (
  { keys, touches }: PendingBatch,
  serverOf: (key: KeyName) => string | undefined,
): ReadonlyMap<string | undefined, PendingBatch> => {
  const parts = new Map<string | undefined, { keys: KeyName[]; touches: Touch[] }>();
  keys.forEach((key, at) => {
    const touch = touches[at];
    if (touch === undefined) throw new RangeError('a pending batch has as many touches as keys');
    const server = serverOf(key);
    const part = parts.get(server) ?? { keys: [], touches: [] };
    part.keys.push(key);
    part.touches.push(touch);
    parts.set(server, part);
  });
  return parts;
};
