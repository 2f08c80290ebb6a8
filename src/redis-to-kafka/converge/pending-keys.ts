import type { GoneOp } from '../../core/key-record.ts';
import type { KeyName } from '../../core/key-name.ts';
import { Wakeup } from '../../core/wakeup.ts';
import { Lane } from './lane.ts';

/** What is known of a dirty key until it is read. */
export interface Touch {
  /** What its tombstone says, should the key turn out to be gone. */
  goneOp: GoneOp;
  /** Unix ms at which the change was first seen. */
  readonly seenAt: number;
  /** false: only a reconcile suspects the key. */
  live: boolean;
  /** The reconcile that waits for this key, by number; 0: none does. */
  reconcile: number;
  /** It is published although it is as it was published last. */
  again?: boolean;
  /** Called once the key has been read after this touch, and what was read has been dealt with. */
  awaiting?: (() => void)[];
  /** Monotonic ms at which the key could not be read for the first time. */
  unreadSince?: number;
  /** While the key is in flight: the touch that came since. */
  meanwhile?: Touch | undefined;
  /** Of many keys, as long as they wait: it is not changed. */
  readonly isShared?: boolean;
}

export interface PendingBatch {
  readonly keys: readonly KeyName[];
  readonly touches: readonly Touch[];
}

/** Bytes of heap that one waiting key costs beside its own bytes (map slot, string header, a touch of its own), measured. */
const ENTRY_OVERHEAD_BYTES = 160;

const sizeOf = (key: KeyName): number => ENTRY_OVERHEAD_BYTES + key.length;

const ownTouch = ({ goneOp, seenAt, live, reconcile }: Touch): Touch => ({ goneOp, seenAt, live, reconcile });

/**
 * The dirty keys: those that wait, in the order of their first touch, and those in flight between read and
 * acknowledgement. A key in flight is not given out again, so its records stand in the order of its states (I2);
 * a touch meanwhile makes it wait again once it settles. Live touches are given out ahead of a reconcile's, which
 * nevertheless always get a tenth of each batch.
 */
export class PendingKeys {
  readonly #live = new Lane<Touch>();
  readonly #background = new Lane<Touch>();
  readonly #inFlight = new Map<KeyName, Touch>();
  readonly #maxBytes: number;
  #bytes = 0;
  /** A backlog of 100,000 keys, each with a touch of its own, would be most of what there is to collect. */
  #latest: Touch | undefined;
  #reconcile = 0;
  #reconciling = 0;
  readonly #work: Wakeup;
  /** Notified when a key has settled. */
  readonly progress = new Wakeup();

  /** @param options.work notified when a key has come to wait. */
  constructor(options: { readonly maxBytes: number; readonly work: Wakeup }) {
    this.#maxBytes = options.maxBytes;
    this.#work = options.work;
  }

  /** Keys that wait or are in flight. */
  get size(): number {
    return this.#live.size + this.#background.size + this.#inFlight.size;
  }
  /** Unix ms at which the oldest change was seen that has not settled; undefined: none waits. Walks over the keys in flight. */
  get oldestChangeAt(): number | undefined {
    let oldest = this.#live.first()?.seenAt;
    for (const touch of this.#inFlight.values()) {
      const change = touch.live ? touch : touch.meanwhile;
      if (change?.live === true && change.seenAt < (oldest ?? Infinity)) oldest = change.seenAt;
    }
    return oldest;
  }
  get waitingInBackground(): number {
    return this.#background.size;
  }
  /** Those taken and not settled, as of now. */
  get inFlight(): readonly KeyName[] {
    return [...this.#inFlight.keys()];
  }
  /** What they take of the bound. */
  get bytes(): number {
    return this.#bytes;
  }
  /** How much of the bound is taken: 0 to 1, a little more while a reconcile adds to a full set. */
  get fillShare(): number {
    return this.#bytes / this.#maxBytes;
  }
  /** Keys that the running reconcile still waits for. */
  get reconciling(): number {
    return this.#reconciling;
  }

  /** @returns false where the bound is reached and the touch was not taken: the caller opens a gap (I9). */
  touch(key: KeyName, goneOp: GoneOp, seenAt: number): boolean {
    if (this.#touchKnown(key, goneOp, seenAt) !== undefined) return true;
    if (this.#bytes >= this.#maxBytes) return false;
    if (this.#latest?.seenAt !== seenAt || this.#latest.goneOp !== goneOp)
      this.#latest = { goneOp, seenAt, live: true, reconcile: 0, isShared: true };
    this.#add(key, this.#latest);
    return true;
  }

  /**
   * A touch by somebody who waits: resolves once the key has been read after this call, and Kafka has what was read. It is
   * taken beyond the bound too, as whoever waits is bounded elsewhere.
   */
  touchAndAwait(key: KeyName, goneOp: GoneOp, seenAt: number): Promise<void> {
    return new Promise((resolve) => {
      const touch =
        this.#touchKnown(key, goneOp, seenAt) ?? this.#add(key, { goneOp, seenAt, live: true, reconcile: 0 });
      (this.#own(key, touch).awaiting ??= []).push(resolve);
    });
  }

  /** A reconcile's touch. It is always taken: the reconciler keeps `waitingInBackground` small. @param again as in Touch. */
  touchInBackground(key: KeyName, goneOp: GoneOp, now: number, again = false): void {
    const found = this.#live.get(key) ?? this.#background.get(key);
    if (found !== undefined) {
      const waiting = this.#own(key, found);
      if (again) waiting.again = true;
      this.#awaitInReconcile(waiting);
      return;
    }
    const touch: Touch = { goneOp, seenAt: now, live: false, reconcile: 0 };
    if (again) touch.again = true;
    const inFlight = this.#inFlight.get(key);
    if (inFlight !== undefined) {
      // Its state may have been read before this reconcile began: read it once more (I3).
      this.#awaitInReconcile(this.#touchInFlight(inFlight, touch));
      return;
    }
    this.#awaitInReconcile(this.#add(key, touch));
  }

  /** The next keys to read; they are in flight until `settle` or `giveBack`. */
  take(limit: number, lanes: 'live' | 'all'): PendingBatch {
    const keys: KeyName[] = [];
    const touches: Touch[] = [];
    this.#move(this.#live, limit, keys, touches);
    if (lanes === 'all')
      this.#move(this.#background, Math.max(limit - keys.length, Math.ceil(limit / 10)), keys, touches);
    return { keys, touches };
  }

  /** The key's state has been dealt with: acknowledged by Kafka, or unchanged. */
  settle(key: KeyName, touch: Touch): void {
    const { meanwhile } = touch;
    this.#inFlight.delete(key);
    this.#leaveReconcile(touch);
    if (meanwhile === undefined) {
      this.#bytes -= sizeOf(key);
    } else {
      this.#requeue(key, meanwhile);
    }
    for (const done of touch.awaiting ?? []) done();
    this.progress.notify();
  }

  /** The key in flight cannot be read, and is forgotten: the caller opens a gap (I1, I9). Nobody may await it. */
  forget(key: KeyName, touch: Touch): void {
    if (touch.meanwhile !== undefined) {
      this.giveBack(key, touch);
      return;
    }
    this.#inFlight.delete(key);
    this.#leaveReconcile(touch);
    this.#bytes -= sizeOf(key);
    this.progress.notify();
  }

  /** How much of the bound a key in it takes. */
  shareOf(key: KeyName): number {
    return sizeOf(key) / this.#maxBytes;
  }

  /** The key could not be read or published now: it waits again, behind the others. */
  giveBack(key: KeyName, touch: Touch): void {
    const { meanwhile } = touch;
    this.#inFlight.delete(key);
    if (meanwhile !== undefined) {
      touch.meanwhile = undefined;
      if (meanwhile.live) touch.goneOp = meanwhile.goneOp;
      touch.live ||= meanwhile.live;
      if (meanwhile.again === true) touch.again = true;
      if (meanwhile.awaiting !== undefined) touch.awaiting = [...(touch.awaiting ?? []), ...meanwhile.awaiting];
      if (this.#isAwaited(touch)) this.#leaveReconcile(meanwhile);
      else touch.reconcile = meanwhile.reconcile;
    }
    this.#requeue(key, touch);
  }

  /** A new reconcile: the keys that it touches from now on are counted in `reconciling`. */
  beginReconcile(): void {
    this.#reconcile += 1;
    this.#reconciling = 0;
  }

  /** A live touch of a key that waits or is in flight: it goes ahead of a reconcile's. undefined: the key is neither. */
  #touchKnown(key: KeyName, goneOp: GoneOp, seenAt: number): Touch | undefined {
    const waiting = this.#live.get(key);
    if (waiting !== undefined) {
      if (waiting.goneOp === goneOp) return waiting;
      const own = this.#own(key, waiting);
      own.goneOp = goneOp;
      return own;
    }
    const inFlight = this.#inFlight.get(key);
    if (inFlight !== undefined) return this.#touchInFlight(inFlight, { goneOp, seenAt, live: true, reconcile: 0 });
    const background = this.#background.get(key);
    if (background === undefined) return undefined;
    this.#background.takeBack(key);
    const touch: Touch = { goneOp, seenAt, live: true, reconcile: background.reconcile };
    if (background.again === true) touch.again = true;
    this.#requeue(key, touch);
    return touch;
  }

  #add(key: KeyName, touch: Touch): Touch {
    this.#bytes += sizeOf(key);
    this.#requeue(key, touch);
    return touch;
  }

  #touchInFlight(inFlight: Touch, touch: Touch): Touch {
    const before = inFlight.meanwhile;
    if (before === undefined) {
      inFlight.meanwhile = touch;
      return touch;
    }
    if (touch.live) {
      before.goneOp = touch.goneOp;
      before.live = true;
    }
    if (touch.again === true) before.again = true;
    return before;
  }

  #requeue(key: KeyName, touch: Touch): void {
    (touch.live ? this.#live : this.#background).add(key, touch);
    this.#work.notify();
  }

  /** The touch of a key that waits, to be changed. */
  #own(key: KeyName, touch: Touch): Touch {
    if (touch.isShared !== true) return touch;
    const own = ownTouch(touch);
    this.#live.replace(key, own);
    return own;
  }

  #isAwaited(touch: Touch): boolean {
    return touch.reconcile !== 0 && touch.reconcile === this.#reconcile;
  }

  #awaitInReconcile(touch: Touch): void {
    if (this.#isAwaited(touch)) return;
    touch.reconcile = this.#reconcile;
    this.#reconciling += 1;
  }

  #leaveReconcile(touch: Touch): void {
    if (this.#isAwaited(touch)) this.#reconciling -= 1;
  }

  #move(lane: Lane<Touch>, limit: number, keys: KeyName[], touches: Touch[]): void {
    lane.take(limit, (key, waited) => {
      const touch = waited.isShared === true ? ownTouch(waited) : waited;
      this.#inFlight.set(key, touch);
      keys.push(key);
      touches.push(touch);
    });
  }
}
