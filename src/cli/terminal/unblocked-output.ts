import type { Clock } from '../../core/clock.ts';
import { countOf } from '../../core/words.ts';

const MAX_WAITING_BYTES = 1_000_000;
const RETRY_MS = 100;

export interface UnblockedOutputOptions {
  /** Takes what there is room for. @returns how many bytes that was; fewer than all: come again. */
  readonly take: (bytes: Buffer) => number;
  readonly clock: Clock;
}

/**
 * Output to a terminal that may stand still (Ctrl-S, a connection that hangs): a write would stop the whole process then.
 * What there is no room for waits here, up to a bound; what is beyond that is counted, and said.
 */
export class UnblockedOutput {
  readonly #options: UnblockedOutputOptions;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #stop: (() => void) | undefined;

  constructor(options: UnblockedOutputOptions) {
    this.#options = options;
  }

  /** Whether something waits: what can be left out should be. */
  get isStuck(): boolean {
    return this.#waiting.length > 0;
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    if (this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) {
      this.#lost += 1;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waiting.length === 1) this.flush();
    if (this.isStuck)
      this.#stop ??= this.#options.clock.every(RETRY_MS, () => {
        this.flush();
      });
  }

  /** Writes as much of what waits as there is room for. */
  flush(): void {
    for (let [first] = this.#waiting; first !== undefined; [first] = this.#waiting) {
      const taken = this.#options.take(first);
      this.#waitingBytes -= taken;
      if (taken < first.length) {
        this.#waiting[0] = first.subarray(taken);
        return;
      }
      this.#waiting.shift();
    }
    this.#stop?.();
    this.#stop = undefined;
    if (this.#lost > 0) this.#tellLost();
  }

  #tellLost(): void {
    const lost = countOf(this.#lost, 'line');
    this.#lost = 0;
    this.write(`\r\n(${lost} not shown here: the terminal stood still)\r\n`);
  }
}
