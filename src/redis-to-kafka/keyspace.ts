import type { RecordProducer } from '../clients/kafka/port.ts';
import type { RedisConnection } from '../clients/redis/port.ts';
import { type Clock, aborted } from '../core/clock.ts';
import { type KeyferryError, isKeyferryError, messageOf } from '../core/errors.ts';
import type { ClosedGap, Gap, GapCause } from '../core/gap.ts';
import type { KeyName } from '../core/key-name.ts';
import type { GoneOp, RecordFormat } from '../core/key-record.ts';
import type { Logger } from '../core/log.ts';
import { Wakeup } from '../core/wakeup.ts';
import type { SourceMetrics } from '../observability/metrics.ts';
import type { PublishedStates } from '../state-store/published-states.ts';
import { Converger } from './converge/converger.ts';
import { GapBook } from './converge/gap-book.ts';
import { KeyReader, changesSilently } from './converge/key-reader.ts';
import { PendingKeys } from './converge/pending-keys.ts';
import { type ReconcileProgress, Reconciler } from './converge/reconciler.ts';
import { Canary } from './feeds/canary.ts';
import { SilentChanges } from './feeds/silent-changes.ts';
import { Publisher } from './publish/publisher.ts';
import type { RecordMaker } from './publish/record-maker.ts';
import type { SourceTopics } from './publish/topics.ts';

const RETRY_RECONCILE_MS = 1_000;
/** A reconcile for an overflow starts when the flood is over: the pending set has fallen to this part of its bound. */
const CALM_SHARE = 0.25;

export interface KeyspaceOptions {
  readonly source: string;
  readonly db: number;
  readonly format: RecordFormat;
  readonly maxValueBytes: number;
  readonly maxPendingBytes: number;
  /** 0: never. */
  readonly reconcileEveryMs: number;
  /** 0: never. */
  readonly canaryEveryMs: number;
  readonly accepts: (key: KeyName) => boolean;
  /** Reads keys; what it does not need goes over `control`, so that neither waits for the other. */
  readonly reading: RedisConnection;
  readonly control: RedisConnection;
  readonly published: PublishedStates;
  readonly producer: RecordProducer;
  readonly topics: SourceTopics;
  readonly records: RecordMaker;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SourceMetrics;
  readonly onSent: (seconds: number) => void;
  readonly restartFeed: () => void;
  readonly signal: AbortSignal;
}

export interface KeyspaceStatus {
  readonly db: number;
  readonly keysPublished: number;
  readonly keysPending: number;
  readonly gapsOpen: readonly Gap[];
  readonly gapsClosed: readonly ClosedGap[];
  readonly reconcile: ReconcileProgress | undefined;
}

/** One database of a keyspace source: what touches its keys, what converges them, and what is known to be missed. */
export class Keyspace {
  readonly #canary: Canary;
  readonly #options: KeyspaceOptions;
  readonly #pending: PendingKeys;
  readonly #gaps: GapBook;
  readonly #publisher: Publisher;
  readonly #converger: Converger;
  readonly #reconciler: Reconciler;
  readonly #silent = new SilentChanges();
  readonly #changed = new Wakeup();
  readonly #wakeup = new Wakeup();
  #feedIsUp = false;
  #reconcileDueAt = Infinity;

  constructor(options: KeyspaceOptions) {
    const { clock, metrics, signal, published, accepts } = options;
    this.#options = options;
    this.#pending = new PendingKeys({ maxBytes: options.maxPendingBytes, work: this.#wakeup });
    this.#publisher = new Publisher({
      ...options,
      prepare: (records) => options.topics.ensureOf(records),
      shrink: (record) => options.records.shrink(record),
      onRoom: () => {
        this.#wakeup.notify();
      },
    });
    this.#gaps = new GapBook({ scope: `${options.source} db${options.db}`, clock, listener: this });
    const keys = new KeyReader({
      connection: options.reading,
      format: options.format,
      maxValueBytes: options.maxValueBytes,
    });
    this.#converger = new Converger({
      ...options,
      publisher: this.#publisher,
      pending: this.#pending,
      wakeup: this.#wakeup,
      keys,
      onRead: (key, state) => {
        this.#silent.saw(key, state !== undefined && changesSilently(state));
      },
    });
    this.#reconciler = new Reconciler({
      redis: options.control,
      keys: new KeyReader({
        connection: options.control,
        format: options.format,
        maxValueBytes: options.maxValueBytes,
      }),
      pending: this.#pending,
      published,
      accepts,
      clock,
      signal,
      onKeys: (count) => {
        metrics.reconciledKeys(count);
        metrics.touched('reconcile', count);
      },
    });
    this.#canary = new Canary({
      redis: options.control,
      source: options.source,
      db: options.db,
      clock,
      onReturn: (seconds) => {
        metrics.canary(seconds);
      },
      onTrouble: (cause) => {
        if (cause === 'canary-missing') this.#loseFeed();
        this.missed(cause);
      },
    });
  }

  /** A notification came. */
  touch(key: KeyName, goneOp: GoneOp): void {
    const { accepts, metrics, clock } = this.#options;
    if (!accepts(key)) {
      if (key === this.#canary.key) this.#canary.returned();
      else metrics.filtered(1);
      return;
    }
    metrics.touched('notification', 1);
    if (!this.#pending.touch(key, goneOp, clock.now())) this.missed('pending-overflow');
  }

  /** Changes may have gone unseen: opens a gap, which a reconcile closes. */
  missed(cause: GapCause): void {
    this.#gaps.miss(cause);
    this.#changed.notify();
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

  /** The feed looks alive and is not. I3: no reconcile begins before it is back. */
  #loseFeed(): void {
    this.#feedIsUp = false;
    this.#options.restartFeed();
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

  /** Looks for what no notification tells: a canary that does not come, keys that change silently. */
  async look(): Promise<void> {
    await this.#canary.send();
    const now = this.#options.clock.now();
    for (const key of this.#silent.keys()) this.#pending.touch(key, 'del', now);
  }

  status(): KeyspaceStatus {
    return {
      db: this.#options.db,
      keysPublished: this.#options.published.count(),
      keysPending: this.#pending.size,
      gapsOpen: this.#gaps.open,
      gapsClosed: this.#gaps.closed,
      reconcile: this.#reconciler.progress,
    };
  }

  get keysPending(): number {
    return this.#pending.size;
  }
  get gapsOpen(): number {
    return this.#gaps.open.length;
  }

  /** Why Kafka does not take this database's records now. */
  get publishFailure(): KeyferryError | undefined {
    return this.#publisher.failure;
  }

  /** Converges and reconciles until the signal, then publishes what is in flight, for as long as `drain` allows. */
  async run(drain: AbortSignal): Promise<void> {
    const { signal } = this.#options;
    const stop = async (): Promise<void> => {
      this.#changed.notify();
      this.#pending.progress.notify();
      this.#wakeup.notify();
      await this.#publisher.close(drain);
    };
    const stopped = aborted(signal).then(stop);
    await Promise.all([this.#converger.run(), this.#reconcileWhenNeeded(), stopped]);
  }

  opened(gap: Gap): void {
    this.#options.metrics.gapOpened(gap.cause);
    this.#options.logger.warn({ cause: gap.cause, scope: gap.scope }, 'gap opened: changes may have gone unseen');
  }

  closed(gap: ClosedGap): void {
    const durationMs = gap.closedAt - gap.openedAt;
    this.#options.logger.info(
      { cause: gap.cause, scope: gap.scope, durationMs },
      'gap closed: the topic holds what Redis holds',
    );
  }

  async #reconcileWhenNeeded(): Promise<void> {
    const { clock, signal, reconcileEveryMs } = this.#options;
    const stop =
      reconcileEveryMs === 0
        ? () => undefined
        : clock.every(Math.min(reconcileEveryMs, 1_000), () => {
            if (clock.monotonic() >= this.#reconcileDueAt) this.#changed.notify();
          });
    const isStopped = (): boolean => signal.aborted;
    while (!isStopped()) {
      await this.#changed.until(() => isStopped() || this.#shouldReconcile());
      if (!isStopped() && (await this.#isCalm())) await this.#reconcile();
    }
    stop();
  }

  #shouldReconcile(): boolean {
    const isDue = this.#options.clock.monotonic() >= this.#reconcileDueAt;
    return this.#feedIsUp && (this.#gaps.isOpen || isDue);
  }

  /** After an overflow the flood must be over before a reconcile can help: what it touches would overflow again. */
  async #isCalm(): Promise<boolean> {
    if (!this.#gaps.isOpenFor('pending-overflow') || this.#pending.fillShare <= CALM_SHARE) return true;
    await this.#options.clock.sleep(100, this.#options.signal);
    this.#changed.notify();
    return false;
  }

  /** I3: the reconcile gets its number before it reads anything, and closes only gaps of which nothing was missed since. */
  async #reconcile(): Promise<void> {
    const { clock, logger, metrics, signal, reconcileEveryMs } = this.#options;
    const goneOp = this.#gaps.isOpenFor('flush') ? 'flushed' : 'del';
    const number = this.#gaps.beginReconcile();
    const start = clock.monotonic();
    try {
      if (!(await this.#reconciler.run(goneOp))) return;
      const seconds = (clock.monotonic() - start) / 1000;
      metrics.reconciled(seconds);
      this.#gaps.reconciled(number);
      if (reconcileEveryMs > 0) this.#reconcileDueAt = clock.monotonic() + reconcileEveryMs;
      logger.debug({ seconds }, 'reconcile done');
    } catch (error) {
      const level = isKeyferryError(error, 'KF_REDIS_UNAVAILABLE') ? 'info' : 'error';
      logger[level]({ reason: messageOf(error) }, 'the reconcile was cut short; it begins again');
      await clock.sleep(RETRY_RECONCILE_MS, signal);
      this.#changed.notify();
    }
  }
}
