import { systemClock as clock } from '../../../core/clock.ts';
import { isKeyferryError, KeyferryError } from '../../../core/errors.ts';
import type { RecordBatch } from '../port.ts';
import { brokerError, type Cluster } from './cluster.ts';
import { fromPlatformatic } from './errors.ts';
import { fetchRequest, type FetchedPartition } from './fetch-request.ts';
import type { Membership, Offset } from './membership.ts';
import { listOffsets } from './offsets.ts';
import { decodeBatches, offsetBehind } from './record-batch-reader.ts';

/** Bytes that are fetched and not yet handled, over all partitions. */
const MAX_HELD_BYTES = 8_000_000;
/** About 2,500 records of 200 bytes: the batch that a handler gets. */
const MAX_PARTITION_BYTES = 512_000;
const IDLE_WAIT_MS = 500;
/** While a partition waits for its handler, the answer must not: the next fetch is to include it. */
const BUSY_WAIT_MS = 10;
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
  /** Next offset to deliver: a batch may begin before it. */
  from: bigint;
  waiting: FetchedPartition | undefined;
  isRunning: boolean;
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
  readonly #stop = new AbortController();
  readonly #finishedAll = new AbortController();
  #failure: { readonly error: unknown } | undefined;
  #lastSuccess = clock.monotonic();

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
      from: offset,
      waiting: undefined,
      isRunning: false,
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
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** No more batches: `run` ends when the handlers have. */
  stop(): void {
    this.#stop.abort();
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
    for (const [leader, feeds] of Map.groupBy(this.#feeds, (feed) => feed.leader)) {
      const hungry = feeds.filter(({ waiting }) => waiting === undefined);
      const room = MAX_HELD_BYTES - this.#held;
      if (this.#isStopped || this.#fetching.has(leader) || hungry.length === 0 || room < MAX_PARTITION_BYTES) continue;
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

  async #fetchFrom(leader: number, wanted: readonly Feed[], limits: Parameters<typeof fetchRequest>[1]): Promise<void> {
    const positions = wanted.map(({ topic, partition, position }) => ({ topic, partition, offset: position }));
    const { partitions } = await this.#cluster.request(leader, fetchRequest(positions, limits));
    if (this.#isStopped) return;
    this.#lastSuccess = clock.monotonic();
    for (const fetched of partitions) {
      const feed = wanted.find(({ topic, partition }) => topic === fetched.topic && partition === fetched.partition);
      if (feed !== undefined) await this.#take(feed, fetched);
    }
  }

  async #take(feed: Feed, fetched: FetchedPartition): Promise<void> {
    const { name, code } = brokerError(fetched.errorCode);
    if (name === 'OFFSET_OUT_OF_RANGE') {
      const earliest = await listOffsets(this.#cluster, feed.topic, [feed.partition], 'EARLIEST');
      feed.position = feed.from = earliest.get(feed.partition) ?? 0n;
      return;
    }
    if (name !== 'NONE') throw new KeyferryError(code, `partition ${feed.partition} of ${feed.topic}: ${name}`);
    const next = offsetBehind(fetched.bytes);
    if (next === undefined) return;
    feed.position = next;
    feed.waiting = fetched;
    this.#held += fetched.bytes.length;
    if (feed.isRunning) return;
    const running = this.#deliver(feed).catch((error: unknown) => {
      this.#fail(error);
    });
    this.#running.add(running);
    void running.then(() => this.#running.delete(running));
  }

  async #deliver(feed: Feed): Promise<void> {
    const { topic, partition } = feed;
    feed.isRunning = true;
    while (feed.waiting !== undefined && !this.#isStopped) {
      const fetched = feed.waiting;
      const next = offsetBehind(fetched.bytes) ?? feed.from;
      const records = decodeBatches(fetched, feed.from);
      feed.waiting = undefined;
      this.#fetch();
      const behind = Math.max(0, Number(fetched.stableOffset - next));
      if (records.length > 0) await this.#handle({ topic, partition, records, behind });
      feed.from = next;
      this.#held -= fetched.bytes.length;
      // I5: only now, that the handler has resolved.
      this.#finished.set(`${topic}:${partition}`, { topic, partition, offset: next });
      this.#committing ??= this.#commit();
      this.#fetch();
    }
    feed.isRunning = false;
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
      } catch (thrown) {
        const error = fromPlatformatic(thrown, 'heartbeat');
        // While the coordinator is away so is its verdict: it comes with the first answer.
        if (!isKeyferryError(error, 'KF_KAFKA_UNAVAILABLE')) this.#fail(error);
      }
    }
  }

  async #recover(thrown: unknown): Promise<void> {
    const error = fromPlatformatic(thrown, 'fetch');
    const isMissing = isKeyferryError(error, 'KF_KAFKA_TOPIC_MISSING');
    const mayPass = isMissing
      ? clock.monotonic() - this.#lastSuccess < MISSING_AFTER_MS
      : isKeyferryError(error, 'KF_KAFKA_UNAVAILABLE');
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

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
  });
