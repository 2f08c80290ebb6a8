import type { Message, Producer, ProducerBatch, RecordMetadata } from 'kafkajs';

import { systemClock as clock } from '../../../core/clock.ts';
import { isKeyferryError, KeyferryError } from '../../../core/errors.ts';
import { ASKS, type Ask } from '../asks.ts';
import { BatchLimits, checkSize } from '../batch-limits.ts';
import type { DriverOptions } from '../driver-options.ts';
import type { LaneTransport } from '../lane-producer.ts';
import { type Lane, advance } from '../lanes.ts';
import type { OutgoingRecord } from '../port.ts';
import { fittingRecords } from '../record-size.ts';
import { KafkajsAdmin } from './admin.ts';
import { kafkajsClient } from './client.ts';
import { brokerErrorsIn, fromKafkajs } from './errors.ts';

const BATCHES_TOGETHER = 8;
const REPLICATION_TIMEOUT_MS = 5_000;
const COUNTS_MAX_AGE_MS = 30_000;
const ALL_IN_SYNC_REPLICAS = -1;

/** The broker's view of our batches and ours have parted. */
const STATE_LOST = new Set(['OUT_OF_ORDER_SEQUENCE_NUMBER', 'UNKNOWN_PRODUCER_ID', 'INVALID_PRODUCER_EPOCH']);

interface LaneBatch {
  readonly lane: Lane;
  readonly records: readonly OutgoingRecord[];
}

/** kafkajs' idempotent producer, which rolls its sequence numbers back when a request fails. */
export class KafkajsTransport implements LaneTransport {
  readonly #options: DriverOptions;
  readonly #admin: KafkajsAdmin;
  #producer: Promise<Producer> | undefined;
  readonly #counts = new Map<string, { readonly count: number; readonly at: number }>();
  readonly #limits = new BatchLimits();
  /**
   * Of a request that failed. kafkajs does not tell which of its batches were taken, so each is repeated alone and as
   * it was: the broker then knows it again.
   */
  #failed: LaneBatch[] = [];

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#admin = new KafkajsAdmin(options);
  }

  async partitionCounts(topics: readonly string[], fresh: boolean): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const topic of topics) {
      let known = this.#counts.get(topic);
      if (known === undefined || fresh || clock.monotonic() - known.at > COUNTS_MAX_AGE_MS) {
        known = { count: await this.#partitionCount(topic), at: clock.monotonic() };
        this.#counts.set(topic, known);
      }
      counts.set(topic, known.count);
    }
    return counts;
  }

  async #partitionCount(topic: string): Promise<number> {
    const count = (await this.#admin.endOffsets(topic)).size;
    if (count === 0) throw new KeyferryError('KF_KAFKA_TOPIC_MISSING', `topic ${topic} does not exist`);
    return count;
  }

  async sendNext(lanes: readonly Lane[]): Promise<void> {
    const repeated = this.#failed.at(0);
    const batches = repeated === undefined ? this.#nextBatches(lanes) : [repeated];
    let acknowledgements: readonly RecordMetadata[];
    try {
      acknowledgements = await (await this.#connected()).sendBatch(toSend(batches));
    } catch (thrown) {
      await this.#fail(thrown, batches);
      return;
    }
    if (repeated !== undefined) this.#failed.shift();
    this.#settle(batches, acknowledgements);
  }

  async #fail(thrown: unknown, batches: readonly LaneBatch[]): Promise<void> {
    if (brokerErrorsIn(thrown).some((name) => STATE_LOST.has(name))) await this.abandon();
    else this.#failed = this.#failed.length > 0 ? this.#failed : [...batches];
    const [first] = batches;
    const isTooLarge = isKeyferryError(fromKafkajs(thrown, ASKS.send([])), 'KF_KAFKA_RECORD_TOO_LARGE');
    if (!isTooLarge || first === undefined) throw thrown;
    // Which of several it was shows when each is repeated alone.
    if (batches.length > 1) return;
    // The broker has taken nothing of it, the sequence goes on with smaller ones.
    const refusal = this.#limits.refused(first.lane.topic, first.records);
    if (refusal !== undefined) throw refusal;
    this.#failed.shift();
  }

  #settle(batches: readonly LaneBatch[], acknowledgements: readonly RecordMetadata[]): void {
    for (const batch of batches) {
      const { lane, records } = batch;
      const isOurs = ({ topicName, partition }: RecordMetadata): boolean =>
        topicName === lane.topic && partition === lane.partition;
      const acknowledged = acknowledgements.find(isOurs);
      // When a leader moves, kafkajs may forget to send to the new one, and resolves all the same.
      if (acknowledged === undefined) this.#failed.push(batch);
      else advance(lane, records.length, BigInt(acknowledged.baseOffset ?? -1));
    }
  }

  async abandon(): Promise<void> {
    this.#failed = [];
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.then((connected) => connected.disconnect()).catch(() => undefined);
  }

  translate(thrown: unknown, ask: Ask): KeyferryError {
    return fromKafkajs(thrown, ask);
  }

  async close(): Promise<void> {
    await this.abandon();
    await this.#admin.close();
  }

  async #connected(): Promise<Producer> {
    this.#producer ??= this.#connect();
    try {
      return await this.#producer;
    } catch (error) {
      this.#producer = undefined;
      throw error;
    }
  }

  async #connect(): Promise<Producer> {
    const producer = kafkajsClient(this.#options).producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition ?? 0,
    });
    await producer.connect();
    return producer;
  }

  #nextBatches(lanes: readonly Lane[]): LaneBatch[] {
    return lanes.slice(0, BATCHES_TOGETHER).map((lane) => {
      const { topic, done } = lane;
      const records = lane.records.slice(done, done + fittingRecords(lane.records, done, this.#limits.of(topic)));
      checkSize(topic, records);
      return { lane, records };
    });
  }
}

const toSend = (batches: readonly LaneBatch[]): ProducerBatch => ({
  acks: ALL_IN_SYNC_REPLICAS,
  timeout: REPLICATION_TIMEOUT_MS,
  topicMessages: batches.map(({ lane: { topic, partition }, records }) => ({
    topic,
    messages: records.map((record) => toMessage(record, partition)),
  })),
});

const toMessage = ({ key, value, headers }: OutgoingRecord, partition: number): Message => ({
  key,
  value,
  partition,
  headers: Object.fromEntries(headers),
});
