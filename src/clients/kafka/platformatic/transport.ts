import { initProducerIdV1 } from '@platformatic/kafka';

import { systemClock as clock } from '../../../core/clock.ts';
import type { KeyferryError } from '../../../core/errors.ts';
import { ASKS, type Ask } from '../asks.ts';
import { BatchLimits, checkSize } from '../batch-limits.ts';
import type { DriverOptions } from '../driver-options.ts';
import { partitionError } from '../kafka-errors.ts';
import type { LaneTransport } from '../lane-producer.ts';
import { type Lane, advance } from '../lanes.ts';
import type { OutgoingRecord } from '../port.ts';
import { fittingRecords } from '../record-size.ts';
import { brokerError, Cluster } from './cluster.ts';
import { fromPlatformatic } from './errors.ts';
import { produceRequest, type EncodedBatch, type ProduceOutcome } from './produce-request.ts';
import { encodeRecordBatch } from './record-batch-writer.ts';

/** Batches of several partitions travel together up to about this size. */
const FULL_REQUEST_BYTES = 8_000_000;
const UNKNOWN_SERVER_ERROR = -1;
const LAST_EPOCH = 32_767;
const SEQUENCES = 2 ** 31;

/** The broker's view of our batches and ours have parted. */
const STATE_LOST = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_ID_MAPPING',
]);

interface Identity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

interface LaneBatch extends EncodedBatch {
  readonly lane: Lane;
  readonly records: readonly OutgoingRecord[];
}

/**
 * An idempotent producer on the library's connections. The library's own takes a new producer id after every failed
 * send, so that a batch whose acknowledgement was lost is written twice; and it spends 7 CPU-s per million records on
 * encoding. This one keeps its id and sequence numbers until a batch is acknowledged, and abandons one by a new epoch,
 * which fences a request that may still be under way.
 */
export class PlatformaticTransport implements LaneTransport {
  readonly #cluster: Cluster;
  #identity: Identity | undefined;
  /** Next sequence number of each partition. */
  readonly #sequences = new Map<string, number>();
  readonly #limits = new BatchLimits();
  #isStateLost = false;

  constructor(options: DriverOptions) {
    this.#cluster = new Cluster(options);
  }

  async partitionCounts(topics: readonly string[], fresh: boolean): Promise<ReadonlyMap<string, number>> {
    if (fresh) await this.#cluster.refresh(topics);
    const counts = new Map<string, number>();
    for (const topic of topics) counts.set(topic, (await this.#cluster.partitions(topic)).length);
    return counts;
  }

  /** One request for each leader, as far as it takes the lanes. */
  async sendNext(lanes: readonly Lane[]): Promise<void> {
    const identity = (this.#identity ??= await this.#newIdentity());
    const byLeader = new Map<number, LaneBatch[]>();
    let bytes = 0;
    for (const lane of lanes) {
      if (bytes >= FULL_REQUEST_BYTES) break;
      const leader = (await this.#cluster.partitions(lane.topic))[lane.partition]?.leader ?? -1;
      const batch = this.#nextBatch(lane, identity);
      bytes += batch.bytes.length;
      const batches = byLeader.get(leader);
      if (batches === undefined) byLeader.set(leader, [batch]);
      else batches.push(batch);
    }
    const sent = await Promise.allSettled([...byLeader].map(([leader, batches]) => this.#produce(leader, batches)));
    // Only now, that no answer of this epoch is awaited any more.
    if (this.#isStateLost) this.#newEpoch();
    const failures = sent.flatMap((result): unknown[] =>
      result.status === 'rejected' ? [result.reason] : result.value,
    );
    if (failures.length > 0) throw new AggregateError(failures);
  }

  abandon(): Promise<void> {
    this.#newEpoch();
    return Promise.resolve();
  }

  translate(thrown: unknown, ask: Ask): KeyferryError {
    return fromPlatformatic(thrown, ask);
  }

  async close(): Promise<void> {
    await this.#cluster.close();
  }

  #nextBatch(lane: Lane, identity: Identity): LaneBatch {
    const { topic, partition, done } = lane;
    const records = lane.records.slice(done, done + fittingRecords(lane.records, done, this.#limits.of(topic)));
    checkSize(topic, records);
    const owner = { ...identity, firstSequence: this.#sequences.get(sequenceKey(lane)) ?? 0 };
    return { topic, partition, lane, records, bytes: encodeRecordBatch(records, owner, clock.now()) };
  }

  /** @returns what went wrong, batch by batch */
  async #produce(leader: number, batches: readonly LaneBatch[]): Promise<KeyferryError[]> {
    const outcomes = await this.#cluster.request(leader, produceRequest(batches));
    return batches
      .map((batch) => {
        const { topic, partition } = batch;
        const outcome = outcomes.find((one) => one.topic === topic && one.partition === partition);
        return this.#settle(batch, outcome ?? { errorCode: UNKNOWN_SERVER_ERROR, baseOffset: -1n });
      })
      .filter((error) => error !== undefined);
  }

  #settle(
    { lane, records }: LaneBatch,
    { errorCode, baseOffset }: Pick<ProduceOutcome, 'errorCode' | 'baseOffset'>,
  ): KeyferryError | undefined {
    const { name, code } = brokerError(errorCode);
    if (name === 'NONE' || name === 'DUPLICATE_SEQUENCE_NUMBER') {
      const key = sequenceKey(lane);
      this.#sequences.set(key, ((this.#sequences.get(key) ?? 0) + records.length) % SEQUENCES);
      advance(lane, records.length, baseOffset);
      return undefined;
    }
    if (STATE_LOST.has(name)) this.#isStateLost = true;
    // Of what is too large the broker has taken nothing: the sequence goes on with smaller batches.
    if (code === 'KF_KAFKA_RECORD_TOO_LARGE') return this.#limits.refused(lane.topic, records);
    return partitionError(lane, { name, code }, ASKS.send([lane.topic]));
  }

  #newEpoch(): void {
    this.#isStateLost = false;
    this.#sequences.clear();
    if (this.#identity === undefined) return;
    const { producerId, producerEpoch } = this.#identity;
    this.#identity = producerEpoch < LAST_EPOCH ? { producerId, producerEpoch: producerEpoch + 1 } : undefined;
  }

  async #newIdentity(): Promise<Identity> {
    return initProducerIdV1.api.async(await this.#cluster.anyConnection(), null, 0);
  }
}

const sequenceKey = ({ topic, partition }: Lane): string => `${topic}:${partition}`;
