/** Whether a flow rests because somebody wants it to. It finishes what it has begun, and begins nothing new. */
export class PauseSwitch {
  readonly #listeners = new Set<() => void>();
  #isPaused = false;

  get isPaused(): boolean {
    return this.#isPaused;
  }

  set(isPaused: boolean): void {
    if (this.#isPaused === isPaused) return;
    this.#isPaused = isPaused;
    for (const listener of this.#listeners) listener();
  }

  /** Calls after each change, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Resolves once it is not paused, or at the signal; never rejects. */
  passable(signal: AbortSignal): Promise<void> {
    if (!this.#isPaused || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#isPaused && !signal.aborted) return;
        forget();
        signal.removeEventListener('abort', look);
        resolve();
      };
      const forget = this.onChange(look);
      signal.addEventListener('abort', look);
    });
  }
}
