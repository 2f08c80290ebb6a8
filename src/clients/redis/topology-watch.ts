import type { Clock } from '../../core/clock.ts';
import { KeyferryError } from '../../core/errors.ts';
import { toKeyferryError } from './errors.ts';
import type { RedisMaster, RedisTopology } from './port.ts';

/** Looks who the masters are. */
export interface Scout {
  /** @throws why that cannot be told now: what was known then still counts. */
  look(): Promise<readonly RedisMaster[]>;
  close(): Promise<void>;
}

export interface TopologyWatchOptions {
  readonly scout: () => Scout;
  readonly everyMs: number;
  readonly clock: Clock;
}

/** Many hints at once, of every connection that was lost, are one. */
const SHORTEST_PAUSE_MS = 50;

type Listener = (masters: readonly RedisMaster[]) => void;

/** Looks at an interval, and at every hint, while anybody wants to know: those share one scout. */
export class TopologyWatch {
  readonly #options: TopologyWatchOptions;
  readonly #listeners = new Set<Listener>();
  readonly #waiting = new Set<() => void>();
  #users = 0;
  #stop = new AbortController();
  #hint = new AbortController();
  #masters: readonly RedisMaster[] | undefined;
  #failure: KeyferryError | undefined;

  constructor(options: TopologyWatchOptions) {
    this.#options = options;
  }

  open(): RedisTopology {
    if (this.#users === 0) void this.#run();
    this.#users += 1;
    const masters = (): readonly RedisMaster[] => this.#masters ?? [];
    const failure = (): KeyferryError | undefined => this.#failure;
    const mine = new Set<Listener>();
    let isOpen = true;
    return {
      get masters() {
        return masters();
      },
      get failure() {
        return failure();
      },
      onChange: (listener) => {
        // A function of its own: the same listener may be given twice.
        const call: Listener = (now) => {
          listener(now);
        };
        mine.add(call);
        this.#listeners.add(call);
        return () => {
          mine.delete(call);
          this.#listeners.delete(call);
        };
      },
      ready: (signal) => this.#ready(signal),
      refresh: () => {
        this.#hint.abort();
      },
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        for (const call of mine) this.#listeners.delete(call);
        this.#users -= 1;
        if (this.#users === 0) this.#stop.abort();
      },
    };
  }

  #ready(signal?: AbortSignal): Promise<void> {
    if (this.#masters !== undefined) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#waiting.delete(settle);
        signal?.removeEventListener('abort', settle);
        if (this.#masters === undefined) reject(this.#failure ?? notLookedYet());
        else resolve();
      };
      this.#waiting.add(settle);
      signal?.addEventListener('abort', settle);
      if (signal?.aborted === true) settle();
    });
  }

  async #run(): Promise<void> {
    const { scout: newScout, everyMs, clock } = this.#options;
    const { signal } = (this.#stop = new AbortController());
    const scout = newScout();
    this.#masters = this.#failure = undefined;
    while (!signal.aborted) {
      this.#hint = new AbortController();
      try {
        const masters = await scout.look();
        signal.throwIfAborted();
        this.#saw(masters);
      } catch (error) {
        this.#failure = toKeyferryError('to tell its masters', error, 'the given addresses');
      }
      for (const settle of [...this.#waiting]) settle();
      await clock.sleep(SHORTEST_PAUSE_MS, signal);
      await clock.sleep(everyMs - SHORTEST_PAUSE_MS, AbortSignal.any([signal, this.#hint.signal]));
    }
    await scout.close();
  }

  #saw(masters: readonly RedisMaster[]): void {
    const before = this.#masters;
    this.#masters = masters;
    this.#failure = undefined;
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(masters)) return;
    for (const listener of [...this.#listeners]) listener(masters);
  }
}

const notLookedYet = (): KeyferryError =>
  new KeyferryError('KF_REDIS_UNAVAILABLE', 'The masters of Redis are not known yet');
