/** Lets a loop sleep until something happened. Check the condition, then wait: between the two nothing can happen. */
export class Wakeup {
  #waiting: (() => void)[] = [];

  notify(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves at the next `notify`. */
  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Resolves once `condition` holds, looking again at each `notify`. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.wait();
  }
}
