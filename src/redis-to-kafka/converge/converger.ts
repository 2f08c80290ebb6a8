import type { Acknowledgement, OutgoingRecord } from '../../clients/kafka/port.ts';
import type { Clock } from '../../core/clock.ts';
import { codeOf } from '../../core/errors.ts';
import type { KeyName } from '../../core/key-name.ts';
import type { KeyOp, RecordFormat } from '../../core/key-record.ts';
import type { KeyState } from '../../core/key-state.ts';
import type { Logger } from '../../core/log.ts';
import type { ChangeWatch } from '../../core/passed-change.ts';
import type { PauseSwitch } from '../../core/pause-switch.ts';
import type { Span } from '../../core/tracer.ts';
import type { PublishedChange, PublishedStates } from '../../state-store/published-states.ts';
import type { Wakeup } from '../../core/wakeup.ts';
import type { Publisher } from '../publish/publisher.ts';
import type { RecordMaker } from '../publish/record-maker.ts';
import { endSent, endUnsent, placeOf } from '../publish/trace-records.ts';
import type { AwaitedKeys } from './awaited-keys.ts';
import { type Change, detectChange } from './change-detection.ts';
import type { Found, KeySource, LargeRead } from './key-source.ts';
import { LargeKeys } from './large-keys.ts';
import { ParkedKeys } from './parked-keys.ts';
import type { PendingBatch, PendingKeys, Touch } from './pending-keys.ts';
import { ServerParts } from './server-parts.ts';
import type { TracedKeys } from './traced-keys.ts';

/** Keys of one read: enough to make the round trip cheap, few enough to hold Redis for about a millisecond. */
const KEYS_PER_READ = 500;
/** Reads under way at once: while Redis runs one, the other is encoded. */
const READERS = 2;
/** Where Redis is away as a whole. */
const RETRY_READ_MS = 200;

export interface ConvergeMetrics {
  published(op: KeyOp, count: number): void;
  unchanged(count: number): void;
  omitted(count: number): void;
  /** From the change seen to its record acknowledged. */
  endToEnd(seconds: number): void;
}

export interface ConvergerOptions {
  readonly pending: PendingKeys;
  readonly awaited: AwaitedKeys;
  /** undefined: nothing is traced. */
  readonly traced?: TracedKeys | undefined;
  /** While it is paused keys wait, and those in flight are published. */
  readonly pause: PauseSwitch;
  /** Notified when a key waits, when the publisher has room, when the pause ends, and when the signal aborts. */
  readonly wakeup: Wakeup;
  readonly keys: KeySource;
  /** As in ServerPartsOptions. */
  readonly serverOf?: ((key: KeyName) => string | undefined) | undefined;
  readonly published: PublishedStates;
  readonly publisher: Publisher;
  readonly records: RecordMaker;
  readonly format: RecordFormat;
  readonly maxValueBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ConvergeMetrics;
  /** Told of what Kafka has; undefined: nobody ever looks. */
  readonly watch?: ChangeWatch | undefined;
  /** A key was read; `state` undefined: it is gone. */
  readonly onRead: (key: KeyName, state: KeyState | undefined) => void;
  /** As in ParkedKeysOptions. */
  readonly onForgotten: (key: KeyName) => void;
  readonly signal: AbortSignal;
}

/** A key whose record is on its way. */
interface Sent {
  readonly key: KeyName;
  readonly touch: Touch;
  readonly change: Exclude<Change, { kind: 'unchanged' }>;
  /** One; two where a key left its topic for another. */
  readonly records: readonly OutgoingRecord[];
  readonly span: Span | undefined;
}

const NOTHING: PendingBatch = { keys: [], touches: [] };

/** pending -> read -> changed? -> publish -> remember, for the keys of one database. */
export class Converger {
  readonly #options: ConvergerOptions;
  readonly #publishing = new Set<Promise<void>>();
  readonly #parked: ParkedKeys;
  readonly #parts: ServerParts;
  readonly #large: LargeKeys;
  #readFailure: string | undefined;

  constructor(options: ConvergerOptions) {
    this.#options = options;
    this.#parked = new ParkedKeys(options);
    this.#parts = new ServerParts(options);
    this.#large = new LargeKeys({
      signal: options.signal,
      carry: async (batch, found) => {
        this.#take(batch, [found]);
        await Promise.all(this.#publishing);
      },
    });
  }

  /** Runs until the signal; then waits for what is being published. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: READERS }, () => this.#converge()));
    this.#parked.close();
    await this.#parts.done();
    await this.#large.done();
    await Promise.all(this.#publishing);
  }

  /** A master is back: keys that could not be read are read now. */
  retry(): void {
    this.#parked.release();
  }

  async #converge(): Promise<void> {
    const { pending, publisher, pause, wakeup, signal } = this.#options;
    while (!signal.aborted) {
      const mayTake = !pause.isPaused && publisher.hasRoom('live');
      const batch = mayTake ? pending.take(KEYS_PER_READ, publisher.hasRoom('background') ? 'all' : 'live') : NOTHING;
      if (batch.keys.length > 0) {
        await this.#readBatch(batch);
        continue;
      }
      await wakeup.wait();
      // One turn of the event loop: what the same packet of notifications brings is read together.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** Where no key of it can be read, nothing is asked for a while. */
  async #readBatch(batch: PendingBatch): Promise<void> {
    const { clock, signal } = this.#options;
    let failed = 0;
    await this.#parts.run(batch, {
      read: async (part) => {
        failed += await this.#readAndPublish(part);
      },
      refuse: (part, error) => {
        failed += this.#park(
          part,
          part.keys.map(() => error),
        );
      },
    });
    if (failed === batch.keys.length) await clock.sleep(RETRY_READ_MS, signal);
  }

  /** @returns how many keys could not be read. */
  async #readAndPublish(batch: PendingBatch): Promise<number> {
    const { keys, traced } = this.#options;
    traced?.reading(batch.keys);
    return this.#take(batch, await keys.read(batch.keys));
  }

  /** @returns how many keys could not be read. */
  #take(batch: PendingBatch, found: readonly (Found | LargeRead)[]): number {
    const failed = this.#park(batch, found);
    const sent = this.#detect(batch, found);
    if (sent.length === 0) return failed;
    const publishing = this.#publish(sent).finally(() => this.#publishing.delete(publishing));
    this.#publishing.add(publishing);
    return failed;
  }

  /** Puts aside what could not be read. @returns how much that is. */
  #park(batch: PendingBatch, found: readonly (Found | LargeRead)[]): number {
    const { logger, signal } = this.#options;
    let failure: Error | undefined;
    let failed = 0;
    batch.keys.forEach((key, at) => {
      const error = found[at];
      if (!(error instanceof Error)) return;
      failure ??= error;
      failed += 1;
      this.#parked.park(key, touchAt(batch, at));
    });
    if (failure !== undefined && this.#readFailure !== failure.message && !signal.aborted)
      logger.warn(
        { code: codeOf(failure), reason: failure.message, keys: failed },
        'keys cannot be read; trying again',
      );
    if (failure !== undefined || this.#parked.size === 0) this.#readFailure = failure?.message;
    return failed;
  }

  /** Settles what is unchanged, and returns what must be published. */
  #detect(batch: PendingBatch, found: readonly (Found | LargeRead)[]): readonly Sent[] {
    const { pending, published, format, maxValueBytes, records, traced, metrics, onRead } = this.#options;
    const sent: Sent[] = [];
    let unchanged = 0;
    let omitted = 0;
    batch.keys.forEach((key, at) => {
      const touch = touchAt(batch, at);
      const state = found[at];
      if (state instanceof Error) return;
      if (state === 'later') {
        pending.giveBack(key, touch);
        return;
      }
      if (typeof state === 'function') {
        this.#large.add({ key, touch, read: state });
        return;
      }
      const known = published.get(key);
      const change = detectChange({ found: state, known, touch, format, maxValueBytes });
      onRead(key, state);
      if (change.kind === 'unchanged') {
        unchanged += 1;
        traced?.unchanged(key);
        pending.settle(key, touch);
        return;
      }
      if (change.kind === 'set' && change.isOmitted) omitted += 1;
      const made = records.make(key, change, known, touch.seenAt);
      const trace = traced?.changed(key, made);
      sent.push({ key, touch, change, records: trace?.records ?? made, span: trace?.span });
    });
    if (unchanged > 0) metrics.unchanged(unchanged);
    if (omitted > 0) metrics.omitted(omitted);
    return sent;
  }

  async #publish(sent: readonly Sent[]): Promise<void> {
    const acknowledgements = await this.#options.publisher.publish(sent.flatMap(({ records }) => records));
    if (acknowledgements !== undefined) this.#remember(sent, acknowledgements);
    else for (const { span } of sent) if (span !== undefined) endUnsent(span);
  }

  /** I4: only now, Kafka having acknowledged, does the store learn of it; and only now may the keys be read again. */
  #remember(sent: readonly Sent[], acknowledgements: readonly Acknowledgement[]): void {
    const { pending, awaited, published, records, clock, metrics } = this.#options;
    published.remember(
      sent.map((each): PublishedChange => ({ key: each.key, state: records.publishedAs(each.change, each.records) })),
      acknowledgements.map(({ topic, partition, baseOffset }) => ({ topic, partition, offset: baseOffset })),
    );
    const now = clock.now();
    const counts = new Map<KeyOp, number>();
    for (const { key, touch, change, records: sentRecords, span } of sent) {
      const op = change.kind === 'set' ? 'set' : change.op;
      counts.set(op, (counts.get(op) ?? 0) + 1);
      metrics.endToEnd((now - touch.seenAt) / 1000);
      if (awaited.has(key)) awaited.published(key, placeOf(sentRecords.at(-1), acknowledgements));
      if (span !== undefined) endSent(span, placeOf(sentRecords.at(-1), acknowledgements));
      pending.settle(key, touch);
    }
    for (const [op, count] of counts) metrics.published(op, count);
    if (this.#options.watch?.isWatched === true) tellWatch(this.#options.watch, sent, now);
  }
}

const tellWatch = (watch: ChangeWatch, sent: readonly Sent[], now: number): void => {
  for (const { key, touch, change, records } of sent) {
    const [op, { redisType: type }] = change.kind === 'set' ? ['set', change.published] : [change.op, change.known];
    watch.passed({ key, op, type, value: records.at(-1)?.value ?? null, latencyMs: now - touch.seenAt });
  }
};

const touchAt = (batch: PendingBatch, at: number): Touch => {
  const touch = batch.touches[at];
  if (touch === undefined) throw new RangeError('a pending batch has as many touches as keys');
  return touch;
};
