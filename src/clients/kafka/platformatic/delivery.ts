import { aborted, systemClock as clock } from '../../../core/clock.ts';
import { isKeyferryError, type KeyferryError } from '../../../core/errors.ts';
import { ASKS } from '../asks.ts';
import { partitionError } from '../kafka-errors.ts';
import type { RecordBatch } from '../port.ts';
import { brokerError, type Cluster } from './cluster.ts';
import { fetchRequest, type FetchedPartition, type FetchLimits } from './fetch-request.ts';
import { SESSION_TIMEOUT_MS, type Membership, type Offset } from './membership.ts';
import { listOffsets } from './offsets.ts';
import { decodeBatches, offsetBehind } from './record-batch-reader.ts';

/** Bytes that are fetched and not yet handled, over all partitions. */
const MAX_HELD_BYTES = 8_000_000;
/** About 1,200 records of 200 bytes: the batch that a handler gets. */
const MAX_PARTITION_BYTES = 256_000;
const MIN_FETCH_BYTES = 256_000;
const IDLE_WAIT_MS = 500;
/** While a partition waits for its handler, the answer must not: the next fetch is to include it. */
const BUSY_WAIT_MS = 25;
const HEARTBEAT_EVERY_MS = 1_000;
const COMMIT_EVERY_MS = 50;
const RETRY_DELAY_MS = 200;
/** A topic that was deleted, or that the broker does not know yet. */
const MISSING_AFTER_MS = 10_000;
/** After the last handler the commit is tried for this long: without it records come again, that is all. */
const LAST_COMMIT_WITHIN_MS = 5_000;

/** One assigned partition: at most one batch with the handler and one fetched ahead. */
interface Feed {
  readonly topic: string;
  readonly partition: number;
  leader: number;
  /** Next offset to fetch. */
  position: bigint;
  waiting: Waiting | undefined;
  /** The handler, or what runs aside, as long as it does; never rejects. */
  running: Promise<void> | undefined;
  /** How many wait to run something aside: the next turn is theirs. */
  asides: number;
}

interface Waiting {
  readonly fetched: FetchedPartition;
  /** First offset to deliver: what was fetched may begin before it. */
  readonly from: bigint;
  /** The offset behind it. */
  readonly next: bigint;
}

export type BatchHandler = (batch: RecordBatch) => Promise<void>;

/** Fetches, hands over and commits the partitions of one assignment, until the group rebalances or `stop`. */
export class Delivery {
  readonly #cluster: Cluster;
  readonly #membership: Membership;
  readonly #handle: BatchHandler;
  #feeds: readonly Feed[] = [];
  readonly #fetching = new Set<number>();
  #held = 0;
  #turn = 0;
  readonly #running = new Set<Promise<void>>();
  /** What handlers finished and no commit holds yet, by partition. */
  readonly #finished = new Map<string, Offset>();
  #committing: Promise<void> | undefined;
  #isPaused = false;
  readonly #stop = new AbortController();
  readonly #finishedAll = new AbortController();
  #failure: { readonly error: unknown } | undefined;
  #lastFetch = clock.monotonic();
  #lastBeat = clock.monotonic();

  constructor(cluster: Cluster, membership: Membership, handle: BatchHandler) {
    this.#cluster = cluster;
    this.#membership = membership;
    this.#handle = handle;
  }

  /**
   * Rejects with the handler's error, or with a refusal by Kafka; the other handlers are finished and committed all the
   * same. @param start next offset of each partition
   */
  async run(start: readonly Offset[]): Promise<void> {
    this.#feeds = start.map(({ topic, partition, offset }) => ({
      topic,
      partition,
      leader: -1,
      position: offset,
      waiting: undefined,
      running: undefined,
      asides: 0,
    }));
    // The member goes on beating until its last handler has finished: only then may the group take its partitions.
    const beating = this.#beat();
    await this.#findLeaders();
    this.#fetch();
    await aborted(this.#stop.signal);
    await Promise.all(this.#running);
    await Promise.race([this.#committing, clock.sleep(LAST_COMMIT_WITHIN_MS, this.#finishedAll.signal)]);
    this.#finishedAll.abort();
    await beating;
    if (this.#failure !== undefined) throw this.#failure.error as Error;
  }

  /** No more batches: `run` ends when the handlers have. */
  stop(): void {
    this.#stop.abort();
  }

  /** What is with a handler is finished and committed; what is fetched ahead stays. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    for (const feed of this.#feeds) this.#start(feed);
    this.#fetch();
  }

  /** As GroupConsumer.aside. */
  async aside<T>(topic: string, partition: number, action: () => Promise<T>): Promise<T | undefined> {
    const feed = this.#feeds.find((each) => each.topic === topic && each.partition === partition);
    if (feed === undefined) return undefined;
    feed.asides += 1;
    while (feed.running !== undefined) await feed.running;
    feed.asides -= 1;
    if (this.#isStopped) return undefined;
    const result = action();
    const done = (): void => undefined;
    this.#run(feed, () => result.then(done, done));
    return result;
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.stop();
  }

  get #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** One fetch at a time from each leader, for its partitions that have nothing waiting. */
  #fetch(): void {
    const byLeader = Map.groupBy(this.#feeds, ({ leader }) => leader);
    const room = Math.floor((MAX_HELD_BYTES - this.#held) / byLeader.size);
    if (this.#isPaused) return;
    for (const [leader, feeds] of byLeader) {
      const hungry = feeds.filter(({ waiting }) => waiting === undefined);
      if (this.#isStopped || this.#fetching.has(leader) || hungry.length === 0 || room < MIN_FETCH_BYTES) continue;
      // A broker fills its answer in the order asked: each partition must come first at some time.
      this.#turn += 1;
      const first = this.#turn % hungry.length;
      const wanted = [...hungry.slice(first), ...hungry.slice(0, first)];
      const maxWaitMs = hungry.length < feeds.length ? BUSY_WAIT_MS : IDLE_WAIT_MS;
      this.#fetching.add(leader);
      void this.#fetchFrom(leader, wanted, { maxWaitMs, maxBytes: room, maxPartitionBytes: MAX_PARTITION_BYTES })
        .catch((thrown: unknown) => this.#recover(thrown))
        .finally(() => {
          this.#fetching.delete(leader);
          this.#fetch();
        });
    }
  }

  async #fetchFrom(leader: number, wanted: readonly Feed[], limits: FetchLimits): Promise<void> {
    const positions = wanted.map(({ topic, partition, position }) => ({ topic, partition, offset: position }));
    const { partitions } = await this.#cluster.request(leader, fetchRequest(positions, limits));
    if (this.#isStopped) return;
    const failures: KeyferryError[] = [];
    for (const fetched of partitions) {
      const feed = wanted.find(({ topic, partition }) => topic === fetched.topic && partition === fetched.partition);
      const refusal = brokerError(fetched.errorCode);
      if (feed === undefined) continue;
      if (refusal.name === 'NONE') this.#take(feed, fetched);
      else if (refusal.name === 'OFFSET_OUT_OF_RANGE') await this.#toEarliest(feed);
      else failures.push(partitionError(feed, refusal, ASKS.read(feed.topic)));
    }
    if (failures.length > 0) throw new AggregateError(failures);
    this.#lastFetch = clock.monotonic();
  }

  async #toEarliest(feed: Feed): Promise<void> {
    const earliest = await listOffsets(this.#cluster, feed.topic, [feed.partition], 'EARLIEST');
    feed.position = earliest.get(feed.partition) ?? 0n;
  }

  #take(feed: Feed, fetched: FetchedPartition): void {
    const next = offsetBehind(fetched.bytes);
    if (next === undefined) return;
    feed.waiting = { fetched, from: feed.position, next };
    feed.position = next;
    this.#held += fetched.bytes.length;
    this.#start(feed);
  }

  #start(feed: Feed): void {
    if (feed.running === undefined && this.#mayDeliver(feed)) this.#run(feed, () => this.#deliver(feed));
  }

  #mayDeliver({ waiting, asides }: Feed): boolean {
    return waiting !== undefined && asides === 0 && !this.#isPaused && !this.#isStopped;
  }

  #run(feed: Feed, work: () => Promise<void>): void {
    const running = work()
      .catch((error: unknown) => {
        this.#fail(error);
      })
      .then(() => {
        this.#running.delete(running);
        feed.running = undefined;
        this.#start(feed);
      });
    feed.running = running;
    this.#running.add(running);
  }

  async #deliver(feed: Feed): Promise<void> {
    const { topic, partition } = feed;
    while (feed.waiting !== undefined && this.#mayDeliver(feed)) {
      const { fetched, from, next } = feed.waiting;
      feed.waiting = undefined;
      this.#fetch();
      const records = decodeBatches(fetched, from);
      const behind = Math.max(0, Number(fetched.stableOffset - next));
      if (records.length > 0) await this.#handle({ topic, partition, records, behind });
      this.#held -= fetched.bytes.length;
      // I5: only now, that the handler has resolved.
      this.#finished.set(`${topic}:${partition}`, { topic, partition, offset: next });
      this.#committing ??= this.#commit();
      this.#fetch();
    }
  }

  async #commit(): Promise<void> {
    while (this.#finished.size > 0 && !this.#finishedAll.signal.aborted) {
      const offsets = new Map(this.#finished);
      this.#finished.clear();
      try {
        if (!(await this.#membership.commit([...offsets.values()]))) this.stop();
        await clock.sleep(COMMIT_EVERY_MS, this.#stop.signal);
      } catch (error) {
        if (!isKeyferryError(error, 'KF_KAFKA_UNAVAILABLE')) this.#fail(error);
        for (const [key, offset] of offsets) if (!this.#finished.has(key)) this.#finished.set(key, offset);
        await clock.sleep(RETRY_DELAY_MS, this.#finishedAll.signal);
      }
    }
    this.#committing = undefined;
  }

  async #beat(): Promise<void> {
    const done = this.#finishedAll.signal;
    for (;;) {
      await clock.sleep(HEARTBEAT_EVERY_MS, done);
      if (done.aborted) return;
      try {
        if (!(await this.#membership.heartbeat())) this.stop();
        this.#lastBeat = clock.monotonic();
      } catch (thrown) {
        const error = this.#membership.translate(thrown);
        if (error.code !== 'KF_KAFKA_UNAVAILABLE') this.#fail(error);
        // From here on another member may have been given our partitions.
        if (clock.monotonic() - this.#lastBeat > SESSION_TIMEOUT_MS) this.stop();
      }
    }
  }

  async #recover(thrown: unknown): Promise<void> {
    const error = this.#membership.translate(thrown);
    const isNew = error.code === 'KF_KAFKA_TOPIC_MISSING' && clock.monotonic() - this.#lastFetch < MISSING_AFTER_MS;
    const mayPass = isNew || error.code === 'KF_KAFKA_UNAVAILABLE';
    if (!mayPass) this.#fail(error);
    await clock.sleep(RETRY_DELAY_MS, this.#stop.signal);
    await this.#cluster.refresh([...new Set(this.#feeds.map(({ topic }) => topic))]).catch(() => undefined);
    await this.#findLeaders();
  }

  async #findLeaders(): Promise<void> {
    for (const feed of this.#feeds) {
      const partitions = await this.#cluster.partitions(feed.topic).catch(() => []);
      feed.leader = partitions[feed.partition]?.leader ?? -1;
    }
  }
}
