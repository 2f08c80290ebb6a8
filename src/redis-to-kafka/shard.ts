import type { RedisConnection, RedisMaster } from '../clients/redis/port.ts';
import { slotsWithout } from '../clients/redis/slot-ranges.ts';
import type { Clock } from '../core/clock.ts';
import { codeOf, isKeyferryError, messageOf } from '../core/errors.ts';
import type { ClosedGap, Gap, GapCause } from '../core/gap.ts';
import type { KeyName } from '../core/key-name.ts';
import type { GoneOp } from '../core/key-record.ts';
import type { Logger } from '../core/log.ts';
import type { Turns } from '../core/turns.ts';
import { Wakeup } from '../core/wakeup.ts';
import type { SourceMetrics } from '../observability/metrics.ts';
import type { PublishedStates } from '../state-store/published-states.ts';
import { GapBook } from './converge/gap-book.ts';
import type { KeySource } from './converge/key-source.ts';
import type { PendingKeys } from './converge/pending-keys.ts';
import { type ReconcileProgress, Reconciler } from './converge/reconciler.ts';
import { Canary } from './feeds/canary.ts';
import { ShardSnapshot } from './shard-snapshot.ts';
import type { SnapshotPart, SnapshotWork } from './snapshots.ts';

const RETRY_RECONCILE_MS = 1_000;
/** A reconcile for an overflow starts when the flood is over: the pending set has fallen to this part of its bound. */
const CALM_SHARE = 0.25;

export interface ShardOptions {
  readonly source: string;
  readonly db: number;
  readonly master: RedisMaster;
  /** What a gap concerns, for people: `all-keys db0`. */
  readonly scope: string;
  /** To the master. */
  readonly control: RedisConnection;
  readonly keys: KeySource;
  readonly pending: PendingKeys;
  readonly published: PublishedStates;
  readonly accepts: (key: KeyName) => boolean;
  /** Reconciles of one database run one after the other. */
  readonly turns: Turns;
  /** 0: never. */
  readonly reconcileEveryMs: number;
  /** 0: never. */
  readonly canaryEveryMs: number;
  readonly snapshots: SnapshotWork;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SourceMetrics;
  readonly restartFeed: () => void;
  readonly signal: AbortSignal;
}

/** One master's part of one database: what its feed tells, what is known to be missed of it, and the reconciles for that. */
export class Shard {
  readonly #options: ShardOptions;
  readonly #gaps: GapBook;
  readonly #canary: Canary;
  readonly #reconciler: Reconciler;
  readonly #snapshot: ShardSnapshot;
  readonly #changed = new Wakeup();
  #feedIsUp = false;
  #reconcileDueAt = Infinity;

  constructor(options: ShardOptions) {
    const { scope, master, control, clock, metrics } = options;
    this.#options = options;
    this.#gaps = new GapBook({ scope, clock, listener: this });
    this.#reconciler = new Reconciler({
      ...options,
      redis: control,
      slots: master.slots,
      onKeys: (count) => {
        metrics.reconciledKeys(count);
      },
      onTouched: (count) => {
        metrics.touched('reconcile', count);
      },
    });
    this.#snapshot = new ShardSnapshot(this.#reconciler, options.snapshots);
    this.#canary = new Canary({
      ...options,
      redis: control,
      slots: master.slots,
      onWaited: (seconds) => {
        metrics.canary(seconds);
      },
      onTrouble: (cause) => {
        if (cause === 'canary-missing') this.#loseFeed();
        this.missed(cause);
      },
    });
  }

  get gapsOpen(): readonly Gap[] {
    return this.#gaps.open;
  }
  get gapsClosed(): readonly ClosedGap[] {
    return this.#gaps.closed;
  }
  /** undefined while none is running. */
  get reconcile(): ReconcileProgress | undefined {
    return this.#reconciler.progress;
  }

  /** The feed brought a notification. */
  changed(key: KeyName, goneOp: GoneOp): void {
    const { accepts, pending, metrics, clock } = this.#options;
    if (!accepts(key)) {
      if (this.#canary.isKey(key)) this.#canary.returned();
      else metrics.filtered(1);
      return;
    }
    metrics.touched('notification', 1);
    if (!pending.touch(key, goneOp, clock.now())) this.missed('pending-overflow');
  }

  /** Changes may have gone unseen: opens a gap, which a reconcile closes. */
  missed(cause: GapCause): void {
    this.#gaps.miss(cause);
    this.#changed.notify();
  }

  /** A dirty key is forgotten: it may have been one of a snapshot. */
  forgot(): void {
    this.#snapshot.missedKeys();
    this.missed('pending-overflow');
  }

  /** A snapshot is wanted. */
  snapshotWanted(): void {
    this.#changed.notify();
  }

  /** Of the snapshot of that id. */
  snapshotPart(id: string): SnapshotPart {
    return this.#snapshot.part(id);
  }

  /** Keys came here from a master of which changes had gone unseen. */
  adopt(gaps: readonly Gap[]): void {
    for (const gap of gaps) this.#gaps.adopt(gap);
    this.#changed.notify();
  }

  /** The master has other slots now. */
  moved(slots: RedisMaster['slots']): void {
    if (slotsWithout(slots, [this.#reconciler.slots]).length > 0) this.#snapshot.missedKeys();
    this.#reconciler.slots = slots;
    this.#canary.slots = slots;
  }

  /** The canary goes first: a database that is swapped from now on is found by it. */
  async feedUp(): Promise<void> {
    if (this.#options.canaryEveryMs > 0) {
      await this.#canary.send().catch((error: unknown) => {
        this.#options.logger.warn({ reason: messageOf(error) }, 'the canary cannot be written');
      });
    }
    this.#feedIsUp = true;
    this.#changed.notify();
  }

  feedDown(): void {
    this.#feedIsUp = false;
    this.#canary.reset();
    this.missed('feed-lost');
  }

  flushed(): void {
    this.#canary.forget();
    this.missed('flush');
  }

  /** Looks for a canary that does not come, and sends the next. @throws as RedisConnection.call does. */
  look(): Promise<void> {
    return this.#canary.send();
  }

  /** Reconciles when needed, until the signal. */
  async run(): Promise<void> {
    const { clock, signal, turns, reconcileEveryMs } = this.#options;
    const wake = (): void => {
      this.#changed.notify();
    };
    signal.addEventListener('abort', wake);
    const stop =
      reconcileEveryMs === 0
        ? () => undefined
        : clock.every(Math.min(reconcileEveryMs, 1_000), () => {
            if (clock.monotonic() >= this.#reconcileDueAt) wake();
          });
    const isStopped = (): boolean => signal.aborted;
    while (!isStopped()) {
      await this.#changed.until(() => isStopped() || this.#shouldReconcile() || this.#shouldTakeSnapshot());
      if (isStopped() || !(await this.#isCalm())) continue;
      if ((await turns.take(() => this.#goThrough())) === 'cut short') await clock.sleep(RETRY_RECONCILE_MS, signal);
    }
    stop();
    signal.removeEventListener('abort', wake);
  }

  opened(gap: Gap): void {
    this.#options.metrics.gapOpened(gap.cause);
    this.#options.logger.warn({ cause: gap.cause, scope: gap.scope }, 'gap opened: changes may have gone unseen');
  }

  closed(gap: ClosedGap): void {
    const durationMs = gap.closedAt - gap.openedAt;
    this.#options.metrics.gapClosed(gap.cause, durationMs / 1000);
    this.#options.logger.info(
      { cause: gap.cause, scope: gap.scope, durationMs },
      'gap closed: the topic holds what Redis holds',
    );
  }

  /** The feed looks alive and is not. I3: no reconcile begins before it is back. */
  #loseFeed(): void {
    this.#feedIsUp = false;
    this.#options.restartFeed();
  }

  #shouldReconcile(): boolean {
    const isDue = this.#options.clock.monotonic() >= this.#reconcileDueAt;
    return this.#feedIsUp && (this.#gaps.isOpen || isDue);
  }

  #shouldTakeSnapshot(): boolean {
    return this.#feedIsUp && this.#snapshot.isDue;
  }

  /** After an overflow the flood must be over before a reconcile can help: what it touches would overflow again. */
  async #isCalm(): Promise<boolean> {
    const { pending, clock, signal } = this.#options;
    if (!this.#gaps.isOpenFor('pending-overflow') || pending.fillShare <= CALM_SHARE) return true;
    await clock.sleep(100, signal);
    return false;
  }

  /** What is due: a reconcile goes ahead of a snapshot. While others had their turn, the feed may have gone. */
  async #goThrough(): Promise<'done' | 'cut short'> {
    const { logger, signal } = this.#options;
    const isStopped = (): boolean => signal.aborted;
    try {
      if (isStopped()) return 'done';
      if (this.#shouldReconcile()) await this.#reconcile();
      else if (this.#shouldTakeSnapshot()) await this.#snapshot.take();
      return 'done';
    } catch (error) {
      if (isStopped()) return 'done';
      const level = isKeyferryError(error, 'KF_REDIS_UNAVAILABLE') ? 'info' : 'error';
      logger[level]({ code: codeOf(error), reason: messageOf(error) }, 'the reconcile was cut short; it begins again');
      return 'cut short';
    }
  }

  /** I3: the reconcile gets its number before it reads anything, and closes only gaps of which nothing was missed since. */
  async #reconcile(): Promise<void> {
    const { clock, logger, metrics, reconcileEveryMs } = this.#options;
    const goneOp = this.#gaps.isOpenFor('flush') ? 'flushed' : 'del';
    const number = this.#gaps.beginReconcile();
    const start = clock.monotonic();
    if ((await this.#reconciler.run({ goneOp })) === undefined) return;
    const seconds = (clock.monotonic() - start) / 1000;
    metrics.reconciled(seconds);
    this.#gaps.reconciled(number);
    if (reconcileEveryMs > 0) this.#reconcileDueAt = clock.monotonic() + reconcileEveryMs;
    logger.debug({ seconds }, 'reconcile done');
  }
}
