import { initProducerIdV1 } from '@platformatic/kafka';

import { systemClock as clock } from '../../../core/clock.ts';
import { KeyferryError, type ErrorCode } from '../../../core/errors.ts';
import type { DriverOptions } from '../driver-options.ts';
import type { Acknowledgement, OutgoingRecord, RecordProducer } from '../port.ts';
import { brokerError, Cluster } from './cluster.ts';
import { fromPlatformatic } from './errors.ts';
import { toLanes, type Lane } from './lanes.ts';
import { produceRequest, type EncodedBatch, type ProduceOutcome } from './produce-request.ts';
import { encodeRecordBatch, fittingRecords } from './record-batch-writer.ts';

/** How long a send goes on without progress; an attempt that began just before may add its own timeouts. */
const PATIENCE_MS: Partial<Record<ErrorCode, number>> = {
  KF_KAFKA_UNAVAILABLE: 8_000,
  // A topic may be new: its metadata takes a moment to reach every broker.
  KF_KAFKA_TOPIC_MISSING: 1_000,
};
const RETRY_DELAY_MS = 100;
/** Below the default max.message.bytes (1,048,588), which limits a batch, not a record. */
const MAX_BATCH_BYTES = 1_000_000;
/** Batches of several partitions travel together up to about this size. */
const FULL_REQUEST_BYTES = 8_000_000;
/** A broker's default socket.request.max.bytes: it cuts the connection of whoever sends more. */
const MAX_REQUEST_BYTES = 100 * 1024 * 1024;
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
  readonly count: number;
}

/**
 * The library's own producer takes a new producer id after every failed send, so that a batch whose acknowledgement was
 * lost is written twice; and it encodes at 7 CPU-s per million records. This one keeps its id and sequence numbers
 * until a batch is acknowledged: the same array sent again after a rejection goes on where it stopped, and the broker
 * drops what it already has. A different array begins a new epoch, which fences a request that is still under way (I2).
 */
export class PlatformaticProducer implements RecordProducer {
  readonly #cluster: Cluster;
  #identity: Identity | undefined;
  /** Next sequence number of each partition. */
  readonly #sequences = new Map<string, number>();
  /** Learned from refusals, by topic. */
  readonly #maxBatchBytes = new Map<string, number>();
  /** The send that is under way, or that was rejected. */
  #transfer: { readonly records: readonly OutgoingRecord[]; readonly lanes: readonly Lane[] } | undefined;
  #stateLost = false;
  #turn = 0;

  constructor(options: DriverOptions) {
    this.#cluster = new Cluster(options);
  }

  async send(records: readonly OutgoingRecord[]): Promise<readonly Acknowledgement[]> {
    if (this.#transfer !== undefined && this.#transfer.records !== records) {
      this.#transfer = undefined;
      this.#newEpoch();
    }
    const lanes = await this.#transferred(records);
    this.#transfer = undefined;
    return lanes.map(({ topic, partition, baseOffset }) => ({ topic, partition, baseOffset: baseOffset ?? -1n }));
  }

  async close(): Promise<void> {
    await this.#cluster.close();
  }

  async #transferred(records: readonly OutgoingRecord[]): Promise<readonly Lane[]> {
    const topics = [...new Set(records.map(({ topic }) => topic))];
    let lastProgress = clock.monotonic();
    for (let failures = 0; ; ) {
      try {
        if (failures > 0) await this.#cluster.refresh(topics);
        const { lanes } = (this.#transfer ??= { records, lanes: await this.#lanes(records, topics) });
        const open = lanes.filter((lane) => lane.done < lane.records.length);
        if (open.length === 0) return lanes;
        await this.#round(open);
        lastProgress = clock.monotonic();
        failures = 0;
      } catch (thrown) {
        const error = fromPlatformatic(thrown, `send to ${topics.join(', ')}`);
        if (clock.monotonic() - lastProgress >= (PATIENCE_MS[error.code] ?? 0)) throw error;
        failures += 1;
        await clock.sleep(RETRY_DELAY_MS);
      }
    }
  }

  async #lanes(records: readonly OutgoingRecord[], topics: readonly string[]): Promise<readonly Lane[]> {
    const counts = new Map<string, number>();
    for (const topic of topics) counts.set(topic, (await this.#cluster.partitions(topic)).length);
    this.#turn += 1;
    return toLanes(records, counts, this.#turn);
  }

  /** Sends the next batch of each lane, as far as one request a broker takes them. */
  async #round(lanes: readonly Lane[]): Promise<void> {
    const identity = (this.#identity ??= await this.#newIdentity());
    const byLeader = new Map<number, LaneBatch[]>();
    let bytes = 0;
    for (const lane of lanes) {
      if (bytes >= FULL_REQUEST_BYTES) break;
      const batch = this.#nextBatch(lane, identity);
      bytes += batch.bytes.length;
      const leader = (await this.#cluster.partitions(lane.topic))[lane.partition]?.leader ?? -1;
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), batch]);
    }
    const sent = await Promise.allSettled([...byLeader].map(([leader, batches]) => this.#produce(leader, batches)));
    // Only now, that no answer of this epoch is awaited any more.
    if (this.#stateLost) this.#newEpoch();
    const failures = sent.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : result.value));
    if (failures.length > 0) throw new AggregateError(failures);
  }

  #nextBatch(lane: Lane, identity: Identity): LaneBatch {
    const { topic, partition, records, done } = lane;
    const count = fittingRecords(records, done, this.#maxBatchBytes.get(topic) ?? MAX_BATCH_BYTES);
    const firstSequence = this.#sequences.get(laneKey(lane)) ?? 0;
    const owner = { ...identity, firstSequence };
    const bytes = encodeRecordBatch(records.slice(done, done + count), owner, clock.now());
    if (bytes.length > MAX_REQUEST_BYTES) throw tooLarge(topic, bytes.length);
    return { topic, partition, lane, count, bytes };
  }

  async #produce(leader: number, batches: readonly LaneBatch[]): Promise<KeyferryError[]> {
    const outcomes = await this.#cluster.request(leader, produceRequest(batches));
    return batches.flatMap((batch): KeyferryError[] => {
      const { topic, partition } = batch;
      const outcome = outcomes.find((one) => one.topic === topic && one.partition === partition);
      return outcome === undefined ? [] : this.#settle(batch, outcome);
    });
  }

  #settle({ lane, count, bytes }: LaneBatch, { errorCode, baseOffset }: ProduceOutcome): KeyferryError[] {
    const { name, code } = brokerError(errorCode);
    if (name === 'NONE' || name === 'DUPLICATE_SEQUENCE_NUMBER') {
      const key = laneKey(lane);
      this.#sequences.set(key, ((this.#sequences.get(key) ?? 0) + count) % SEQUENCES);
      lane.done += count;
      lane.baseOffset ??= baseOffset;
      return [];
    }
    if (STATE_LOST.has(name)) this.#stateLost = true;
    if (code !== 'KF_KAFKA_RECORD_TOO_LARGE')
      return [new KeyferryError(code, `partition ${lane.partition} of ${lane.topic}: ${name}`)];
    if (count === 1) return [tooLarge(lane.topic, bytes.length)];
    // The limit is the batch's: smaller ones may pass. The broker has taken nothing, the sequence goes on.
    this.#maxBatchBytes.set(lane.topic, bytes.length / 2);
    return [];
  }

  #newEpoch(): void {
    this.#stateLost = false;
    this.#sequences.clear();
    if (this.#identity === undefined) return;
    const { producerId, producerEpoch } = this.#identity;
    this.#identity = producerEpoch < LAST_EPOCH ? { producerId, producerEpoch: producerEpoch + 1 } : undefined;
  }

  async #newIdentity(): Promise<Identity> {
    return initProducerIdV1.api.async(await this.#cluster.anyConnection(), null, 0);
  }
}

const laneKey = ({ topic, partition }: Lane): string => `${topic}:${partition}`;

const tooLarge = (topic: string, bytes: number): KeyferryError =>
  new KeyferryError('KF_KAFKA_RECORD_TOO_LARGE', `a record of ${bytes} bytes is too large for topic ${topic}`);
