import { slotOf } from '../../clients/redis/cluster/slots.ts';
import { SLOT_COUNT } from '../../clients/redis/fixed-topology.ts';
import type { RedisConnection, SlotRange } from '../../clients/redis/port.ts';
import { areAllSlots } from '../../clients/redis/slot-ranges.ts';
import type { Clock } from '../../core/clock.ts';
import { KeyferryError } from '../../core/errors.ts';
import { type KeyName, keyBytes } from '../../core/key-name.ts';
import type { GoneOp } from '../../core/key-record.ts';
import type { PublishedStates } from '../../state-store/published-states.ts';
import type { KeySource } from './key-source.ts';
import type { PendingKeys } from './pending-keys.ts';
import { scanKeys } from './scan-keys.ts';

/** Known keys asked for at once. */
const KNOWN_CHUNK = 1_000;
/** Touched keys that wait to be read, at most: the reconcile never fills the pending set (I9). */
const MAX_WAITING = 5_000;
/** How often a wait for keys looks whether the master is still there. */
const LOOK_EVERY_MS = 500;

export interface ReconcileProgress {
  /** Unix ms. */
  readonly startedAt: number;
  /** Redis' keys are scanned first, then the keys known from the topic are looked for, then all must be published. */
  readonly phase: 'scan' | 'known' | 'publish';
  readonly keysDone: number;
  /** Keys to go through in all, as counted at the start. */
  readonly keysEstimated: number;
  /** Milliseconds to go at the rate so far; undefined where nothing is done yet. */
  readonly remainingMs: number | undefined;
}

export interface ReconcileTask {
  /** What the tombstones of keys that are gone say. */
  readonly goneOp: GoneOp;
  /** A snapshot: only these keys, and each is published again although it is as it was published last. */
  readonly again?: ((key: KeyName) => boolean) | undefined;
}

export interface ReconcilerOptions {
  /** To the master whose keys are compared. */
  readonly redis: RedisConnection;
  /** The slots whose keys it has. */
  readonly slots: readonly SlotRange[];
  readonly keys: KeySource;
  readonly pending: PendingKeys;
  readonly published: PublishedStates;
  readonly accepts: (key: KeyName) => boolean;
  readonly clock: Clock;
  /** So many more keys were gone through, whosever they are. */
  readonly onKeys: (count: number) => void;
  /** So many of them were touched. */
  readonly onTouched: (count: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Touches every key that a master has and every key of its slots that the topic has or is about to have, and waits until
 * all of them are published. Keys that move to it or away meanwhile are told of by notifications, of both masters.
 */
export class Reconciler {
  slots: readonly SlotRange[];
  readonly #options: ReconcilerOptions;
  #progress: Omit<ReconcileProgress, 'remainingMs'> | undefined;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.slots = options.slots;
  }

  /** undefined while none is running. */
  get progress(): ReconcileProgress | undefined {
    const progress = this.#progress;
    if (progress === undefined) return undefined;
    const { keysDone, keysEstimated, startedAt } = progress;
    const perKeyMs = keysDone === 0 ? undefined : (this.#options.clock.now() - startedAt) / keysDone;
    const left = Math.max(keysEstimated - keysDone, 0);
    return { ...progress, remainingMs: perKeyMs === undefined ? undefined : Math.round(perKeyMs * left) };
  }

  /**
   * @returns the keys gone through, once all is published; undefined where the signal cut it short.
   * @throws KF_REDIS_UNAVAILABLE and others of Redis; the reconcile then counts for nothing.
   */
  async run(task: ReconcileTask): Promise<number | undefined> {
    const { pending, redis, published, clock, signal } = this.#options;
    pending.beginReconcile();
    const inFlight = pending.inFlight.filter(this.#ownership());
    const size = Number(await redis.call('DBSIZE'));
    const keysEstimated = size + published.count();
    this.#progress = { startedAt: clock.now(), phase: 'scan', keysDone: 0, keysEstimated };
    const stop = clock.every(LOOK_EVERY_MS, () => {
      pending.progress.notify();
    });
    try {
      // I3: they may have been read before something was missed. One that is gone since is neither in Redis nor known yet.
      await this.#touch(inFlight.filter(this.#wanted(task)), task);
      await this.#touchKeysOfRedis(task);
      this.#enter('known');
      await this.#touchKnownKeysThatAreGone(task);
      this.#enter('publish');
      await this.#until(() => pending.reconciling === 0);
      return signal.aborted ? undefined : this.#progress.keysDone;
    } finally {
      stop();
      this.#progress = undefined;
    }
  }

  async #touchKeysOfRedis(task: ReconcileTask): Promise<void> {
    const { redis, signal } = this.#options;
    const isWanted = this.#wanted(task);
    for await (const names of scanKeys(redis)) {
      await this.#touch(names.filter(isWanted), task);
      this.#advance(names.length);
      if (signal.aborted) return;
    }
  }

  async #touchKnownKeysThatAreGone(task: ReconcileTask): Promise<void> {
    const { published, keys, signal } = this.#options;
    const isWanted = this.#wanted(task);
    const isOurs = this.#ownership();
    let after: KeyName | undefined;
    while (!signal.aborted) {
      const chunk = published.keys(after, KNOWN_CHUNK);
      after = chunk.at(-1);
      if (after === undefined) return;
      const known = chunk.filter(isOurs);
      const exist = await keys.exist(known);
      // A key that the filter takes no more is left as it is on the topic: nobody said that it is gone. One that the user
      // may not look at is not known to be there: it waits to be read, and a gap tells of it.
      await this.#touch(
        known.filter((key, at) => exist[at] !== true && isWanted(key)),
        task,
      );
      this.#advance(chunk.length);
    }
  }

  /** Tells the keys of the slots that the master has now. */
  #ownership(): (key: KeyName) => boolean {
    const { slots } = this;
    if (areAllSlots(slots)) return () => true;
    const owned = new Uint8Array(SLOT_COUNT);
    for (const { first, last } of slots) owned.fill(1, first, last + 1);
    return (key) => owned[slotOf(keyBytes(key))] === 1;
  }

  #wanted({ again }: ReconcileTask): (key: KeyName) => boolean {
    const { accepts } = this.#options;
    return again === undefined ? accepts : (key) => accepts(key) && again(key);
  }

  async #touch(keys: readonly KeyName[], { goneOp, again }: ReconcileTask): Promise<void> {
    const { pending, clock } = this.#options;
    const now = clock.now();
    for (const key of keys) pending.touchInBackground(key, goneOp, now, again !== undefined);
    this.#options.onTouched(keys.length);
    await this.#until(() => pending.waitingInBackground < MAX_WAITING);
  }

  /** @throws KF_REDIS_UNAVAILABLE once the master has gone: its keys would not come before it is back. */
  async #until(holds: () => boolean): Promise<void> {
    const { pending, redis, signal } = this.#options;
    await pending.progress.until(() => holds() || signal.aborted || !redis.isReady);
    if (!redis.isReady && !signal.aborted && !holds())
      throw new KeyferryError('KF_REDIS_UNAVAILABLE', 'Redis went away during the reconcile');
  }

  #enter(phase: ReconcileProgress['phase']): void {
    if (this.#progress !== undefined) this.#progress = { ...this.#progress, phase };
  }

  #advance(count: number): void {
    this.#options.onKeys(count);
    if (this.#progress !== undefined) {
      this.#progress = { ...this.#progress, keysDone: this.#progress.keysDone + count };
    }
  }
}
