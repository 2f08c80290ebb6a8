import type { Clock } from '../../core/clock.ts';
import { countText } from '../../core/words.ts';
import type { LiveLine } from './live-line.ts';
import { progressText } from './progress-bar.ts';

/** Between two drawings. */
const EVERY_MS = 100;

/** Shows how far `verify` has come with one database, on a terminal; without one, it does nothing. */
export class ComparisonProgress {
  readonly #line: LiveLine | undefined;
  readonly #clock: Clock;
  readonly #what: string;
  #dueMs = 0;
  #startMs: number | undefined;

  /** @param what is compared, for people. */
  constructor(what: string, { line, clock }: { readonly line: LiveLine | undefined; readonly clock: Clock }) {
    this.#what = what;
    this.#line = line;
    this.#clock = clock;
  }

  /** Records of the topic read so far. */
  reading(records: number): void {
    this.#show(() => `reading the topic: ${countText(records)} records`);
  }

  /** @param done keys looked at so far. @param estimated keys to look at in all, as far as it is known. */
  compared(done: number, estimated: number): void {
    this.#show((now) => {
      this.#startMs ??= now;
      const spentMs = now - this.#startMs;
      const remainingMs = done === 0 || spentMs === 0 ? null : (spentMs / done) * Math.max(estimated - done, 0);
      return progressText({ done, estimated, remainingMs });
    });
  }

  end(): void {
    this.#line?.show([]);
  }

  #show(text: (nowMs: number) => string): void {
    const now = this.#clock.monotonic();
    if (this.#line === undefined || now < this.#dueMs) return;
    this.#dueMs = now + EVERY_MS;
    this.#line.show([{ text: `${this.#what}  `, style: 'bold' }, { text: text(now) }]);
  }
}
