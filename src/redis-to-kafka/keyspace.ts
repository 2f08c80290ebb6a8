import type { RecordProducer } from '../clients/kafka/port.ts';
import { addressText } from '../clients/redis/address.ts';
import { slotOf } from '../clients/redis/cluster/slots.ts';
import type { RedisConnection, RedisMaster } from '../clients/redis/port.ts';
import { hasSlot } from '../clients/redis/slot-ranges.ts';
import { type Clock, aborted } from '../core/clock.ts';
import { KeyferryError } from '../core/errors.ts';
import type { ClosedGap, Gap } from '../core/gap.ts';
import { type KeyName, keyBytes } from '../core/key-name.ts';
import type { RecordFormat } from '../core/key-record.ts';
import type { Logger } from '../core/log.ts';
import type { PauseSwitch } from '../core/pause-switch.ts';
import type { ChangeWatch } from '../core/passed-change.ts';
import type { FollowedKeys } from '../core/place.ts';
import type { TraceContext, Tracer } from '../core/tracer.ts';
import { Turns } from '../core/turns.ts';
import { Wakeup } from '../core/wakeup.ts';
import type { SourceMetrics } from '../observability/metrics.ts';
import type { PublishedStates } from '../state-store/published-states.ts';
import { AwaitedKeys } from './converge/awaited-keys.ts';
import { Converger } from './converge/converger.ts';
import { KeyReader, changesSilently } from './converge/key-reader.ts';
import { PendingKeys } from './converge/pending-keys.ts';
import type { ReconcileProgress } from './converge/reconciler.ts';
import { TracedKeys } from './converge/traced-keys.ts';
import { SilentChanges } from './feeds/silent-changes.ts';
import { Publisher } from './publish/publisher.ts';
import type { RecordMaker } from './publish/record-maker.ts';
import type { SourceTopics } from './publish/topics.ts';
import { Shard } from './shard.ts';
import type { SnapshotPart, SnapshotWork } from './snapshots.ts';

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
  /** Then a key is where its slot is, though one master may have them all. */
  readonly isCluster: boolean;
  /** Reads keys, of all masters; what it does not need goes over other connections, so that neither waits for the other. */
  readonly reading: RedisConnection;
  readonly published: PublishedStates;
  readonly producer: RecordProducer;
  readonly topics: SourceTopics;
  readonly records: RecordMaker;
  readonly pause: PauseSwitch;
  readonly snapshots: SnapshotWork;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SourceMetrics;
  /** Told of what Kafka has; undefined: nobody ever looks. */
  readonly watch?: ChangeWatch | undefined;
  /** undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  readonly signal: AbortSignal;
}

/** What a master's part of the keyspace is watched with. */
export interface ShardPlace {
  readonly master: RedisMaster;
  /** To the master. */
  readonly control: RedisConnection;
  readonly restartFeed: () => void;
  readonly signal: AbortSignal;
}

export interface KeyspaceStatus {
  readonly db: number;
  readonly keysPublished: number;
  readonly keysPending: number;
  /** Unix ms at which the oldest change was seen that Kafka lacks; undefined: it lacks none that is known. */
  readonly oldestChangeAt: number | undefined;
  readonly gapsOpen: readonly Gap[];
  readonly gapsClosed: readonly ClosedGap[];
  readonly reconcile: ReconcileProgress | undefined;
}

/** Of masters that are none any more. */
const REMEMBERED_GAPS = 50;

interface OpenShard extends ShardPlace {
  readonly shard: Shard;
}

/** One database of a keyspace source: the keys that wait, what converges them, and the masters' shards that touch them. */
export class Keyspace {
  readonly #options: KeyspaceOptions;
  readonly #pending: PendingKeys;
  readonly #awaited = new AwaitedKeys();
  readonly #traced: TracedKeys | undefined;
  readonly #publisher: Publisher;
  readonly #converger: Converger;
  readonly #keys: KeyReader;
  readonly #shards = new Map<string, OpenShard>();
  /** Gaps that masters had closed which are none any more, newest first. */
  #formerGaps: readonly ClosedGap[] = [];
  readonly #turns = new Turns();
  readonly #silent = new SilentChanges();
  readonly #wakeup = new Wakeup();

  constructor(options: KeyspaceOptions) {
    this.#options = options;
    this.#traced = options.tracer && new TracedKeys(options.tracer);
    this.#pending = new PendingKeys({ maxBytes: options.maxPendingBytes, work: this.#wakeup });
    this.#publisher = new Publisher({
      ...options,
      prepare: (records) => options.topics.ensureOf(records),
      shrink: (record) => options.records.shrink(record),
      onRoom: () => {
        this.#wakeup.notify();
      },
    });
    this.#keys = new KeyReader({
      ...options,
      connection: options.reading,
      connectionTo: (key) => this.#connectionTo(key),
    });
    this.#converger = new Converger({
      ...options,
      publisher: this.#publisher,
      pending: this.#pending,
      awaited: this.#awaited,
      traced: this.#traced,
      wakeup: this.#wakeup,
      keys: this.#keys,
      serverOf: options.isCluster ? (key) => options.reading.serverOf(keyBytes(key)) : undefined,
      onRead: (key, state) => {
        this.#silent.saw(key, state !== undefined && changesSilently(state));
      },
      onForgotten: (key) => {
        this.#traced?.forget(key);
        for (const shard of this.#ownersOf(key)) shard.forgot();
      },
    });
  }

  /** A master's part of it. Whoever opens it runs it. */
  openShard(place: ShardPlace): Shard {
    const { source, db, reading, isCluster } = this.#options;
    const { master, control } = place;
    const shard = new Shard({
      ...this.#options,
      ...place,
      scope: isCluster ? `${source} ${addressText(master)}` : `${source} db${db}`,
      keys: new KeyReader({ ...this.#options, connection: isCluster ? reading : control }),
      pending: this.#pending,
      turns: this.#turns,
    });
    this.#shards.set(master.id, { shard, ...place });
    return shard;
  }

  /** A master has other slots now. */
  moveShard(master: RedisMaster): void {
    const open = this.#shards.get(master.id);
    if (open === undefined) return;
    this.#shards.set(master.id, { ...open, master });
    open.shard.moved(master.slots);
  }

  /** The master is none any more. */
  closeShard(id: string): void {
    const gaps = this.#shards.get(id)?.shard.gapsClosed ?? [];
    this.#formerGaps = [...gaps, ...this.#formerGaps].slice(0, REMEMBERED_GAPS);
    this.#shards.delete(id);
    this.#options.snapshots.advanced();
  }

  /** A master has come back: what waited for it is read. */
  retry(): void {
    this.#converger.retry();
  }

  /** A snapshot is wanted. */
  snapshotWanted(): void {
    for (const { shard } of this.#shards.values()) shard.snapshotWanted();
  }

  /** Of the snapshot of that id, of each master. */
  snapshotParts(id: string): readonly SnapshotPart[] {
    return this.#all((shard) => [shard.snapshotPart(id)]);
  }

  accepts(key: KeyName): boolean {
    return this.#options.accepts(key);
  }

  /** A traced write of our own begins, of a key that is accepted; `written` follows. */
  writing(key: KeyName, trace: TraceContext): void {
    this.#traced?.writing(key, trace);
  }

  /** A write of our own, of a key that is accepted: it is seen without waiting for its notification. */
  written(key: KeyName, trace?: TraceContext): void {
    const { metrics, clock } = this.#options;
    if (trace !== undefined) this.#traced?.written(key, trace);
    metrics.touched('write', 1);
    if (!this.#pending.touch(key, 'del', clock.now())) this.#overflowed(key);
  }

  /** @param keys that are accepted. */
  follow(keys: readonly KeyName[]): FollowedKeys {
    this.#awaited.follow(keys);
    const { metrics, clock } = this.#options;
    return {
      acknowledged: async () => {
        metrics.touched('write', keys.length);
        await Promise.all(keys.map((key) => this.#pending.touchAndAwait(key, 'del', clock.now())));
        // What was unchanged when it was read is what the last record says, whoever touched the key for it.
        return keys.map((key) => ({ key, place: this.#awaited.placeOf(key) }));
      },
      release: () => {
        this.#awaited.leave(keys);
      },
    };
  }

  /** Looks at keys that change silently. */
  look(): void {
    const now = this.#options.clock.now();
    for (const key of this.#silent.keys()) this.#pending.touch(key, 'del', now);
  }

  status(): KeyspaceStatus {
    return {
      db: this.#options.db,
      keysPublished: this.#options.published.count(),
      keysPending: this.#pending.size,
      oldestChangeAt: this.#pending.oldestChangeAt,
      gapsOpen: this.#all(({ gapsOpen }) => gapsOpen),
      gapsClosed: [...this.#all(({ gapsClosed }) => gapsClosed), ...this.#formerGaps].toSorted(
        (one, other) => other.closedAt - one.closedAt,
      ),
      reconcile: this.#all(({ reconcile }) => (reconcile === undefined ? [] : [reconcile]))[0],
    };
  }

  get keysPending(): number {
    return this.#pending.size;
  }
  /** Unix ms at which the oldest change was seen that Kafka lacks; undefined: it lacks none that is known. */
  get oldestChangeAt(): number | undefined {
    return this.#pending.oldestChangeAt;
  }
  get bytesPending(): number {
    return this.#pending.bytes;
  }
  get gapsOpen(): number {
    return this.#all(({ gapsOpen }) => gapsOpen).length;
  }

  /** Why Kafka does not take this database's records now. */
  get publishFailure(): KeyferryError | undefined {
    return this.#publisher.failure;
  }

  /** Converges until the signal, then publishes what is in flight, for as long as `drain` allows. */
  async run(drain: AbortSignal): Promise<void> {
    const { signal } = this.#options;
    const stop = async (): Promise<void> => {
      this.#pending.progress.notify();
      this.#wakeup.notify();
      await this.#publisher.close(drain);
    };
    const forget = this.#options.pause.onChange(() => {
      this.#wakeup.notify();
    });
    const stopped = aborted(signal).then(stop);
    await Promise.all([this.#converger.run(), stopped]);
    forget();
  }

  /** A dirty key is forgotten: a gap of the master that has it. */
  #overflowed(key: KeyName): void {
    this.#traced?.forget(key);
    for (const shard of this.#ownersOf(key)) shard.missed('pending-overflow');
  }

  /** All masters, where none is known to have the key. */
  #ownersOf(key: KeyName): readonly Shard[] {
    const slot = slotOf(keyBytes(key));
    const shards = [...this.#shards.values()];
    const owner = shards.find(({ master }) => hasSlot(master.slots, slot));
    return (owner === undefined ? shards : [owner]).map(({ shard }) => shard);
  }

  /** Large keys are watched while they are read, on a connection to the very master that has them. */
  #connectionTo(key: Buffer): RedisConnection {
    if (!this.#options.isCluster) return this.#options.reading;
    const slot = slotOf(key);
    for (const { master, control } of this.#shards.values()) {
      if (hasSlot(master.slots, slot)) return control;
    }
    throw new KeyferryError('KF_REDIS_UNAVAILABLE', `no master of Redis has slot ${slot}`);
  }

  #all<T>(of: (shard: Shard) => readonly T[]): readonly T[] {
    return [...this.#shards.values()].flatMap(({ shard }) => of(shard));
  }
}
