import type { Clock } from '../../core/clock.ts';
import type { ClosedGap, Gap, GapCause } from '../../core/gap.ts';

interface OpenGap {
  readonly gap: Gap;
  /** The reconcile that was running, or had ended, when something was last missed: only a later one closes the gap. */
  missedDuring: number;
}

export interface GapListener {
  opened(gap: Gap): void;
  closed(gap: ClosedGap): void;
}

/** Closed gaps kept for the status page. */
const REMEMBERED = 50;

/**
 * The gaps of one shard. A cause stands open once at a time; missing more for the same cause keeps it open past the
 * reconcile under way (I3).
 */
export class GapBook {
  readonly #open = new Map<GapCause, OpenGap>();
  readonly #closed: ClosedGap[] = [];
  readonly #scope: string;
  readonly #clock: Clock;
  readonly #listener: GapListener;
  #reconcile = 0;

  constructor(options: { readonly scope: string; readonly clock: Clock; readonly listener: GapListener }) {
    this.#scope = options.scope;
    this.#clock = options.clock;
    this.#listener = options.listener;
  }

  get open(): readonly Gap[] {
    return [...this.#open.values()].map(({ gap }) => gap);
  }
  /** The latest ones, newest first. */
  get closed(): readonly ClosedGap[] {
    return this.#closed;
  }
  get isOpen(): boolean {
    return this.#open.size > 0;
  }
  isOpenFor(cause: GapCause): boolean {
    return this.#open.has(cause);
  }

  /** Something may have been missed just now. */
  miss(cause: GapCause): void {
    const known = this.#open.get(cause);
    if (known !== undefined) {
      known.missedDuring = this.#reconcile;
      return;
    }
    const gap = { cause, scope: this.#scope, openedAt: this.#clock.now() };
    this.#open.set(cause, { gap, missedDuring: this.#reconcile });
    this.#listener.opened(gap);
  }

  /** A gap of whoever had the keys before: it stays open until a reconcile that begins from now on. */
  adopt(gap: Gap): void {
    const known = this.#open.get(gap.cause);
    if (known === undefined) this.#open.set(gap.cause, { gap, missedDuring: this.#reconcile });
    else known.missedDuring = this.#reconcile;
  }

  /** A reconcile begins, the feed being up. @returns its number, for `reconciled`. */
  beginReconcile(): number {
    this.#reconcile += 1;
    return this.#reconcile;
  }

  /** The reconcile of that number has been published: gaps of which nothing was missed since it began are closed. */
  reconciled(number: number): void {
    for (const [cause, { gap, missedDuring }] of this.#open) {
      if (missedDuring >= number) continue;
      this.#open.delete(cause);
      const closed = { ...gap, closedAt: this.#clock.now() };
      this.#closed.unshift(closed);
      this.#closed.length = Math.min(this.#closed.length, REMEMBERED);
      this.#listener.closed(closed);
    }
  }
}
