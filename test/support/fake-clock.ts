import type { Clock } from '../../src/core/clock.ts';

interface Timer {
  dueMs: number;
  readonly everyMs: number | undefined;
  readonly fire: () => void;
}

/** Time that stands still until a test moves it. */
export class FakeClock implements Clock {
  readonly #startMs: number;
  #elapsedMs = 0;
  readonly #timers = new Set<Timer>();

  /** @param startMs the first wall time, Unix milliseconds */
  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#startMs = startMs;
  }

  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const finish = (): void => {
        cancel();
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const cancel = this.#add({ dueMs: this.#elapsedMs + ms, everyMs: undefined, fire: finish });
      signal?.addEventListener('abort', finish, { once: true });
    });
  }

  every(ms: number, tick: () => void): () => void {
    return this.#add({ dueMs: this.#elapsedMs + ms, everyMs: ms, fire: tick });
  }

  /** Moves time forward, firing what falls due in order of time, and lets all that follows from it settle. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#elapsedMs + ms;
    await settle();
    for (let next = this.#nextUntil(endMs); next !== undefined; next = this.#nextUntil(endMs)) {
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      if (next.everyMs === undefined) this.#timers.delete(next);
      else next.dueMs += Math.max(next.everyMs, 1);
      next.fire();
      await settle();
    }
    this.#elapsedMs = endMs;
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  #nextUntil(endMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }
}

/** A turn of the event loop comes only after every promise that could settle has settled. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
