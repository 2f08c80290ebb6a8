import { randomUUID } from 'node:crypto';

import type { Consumer, EachBatchPayload } from 'kafkajs';

import type { DriverOptions } from '../driver-options.ts';
import { Positions } from '../positions.ts';
import type { RecordBatch, TopicReader } from '../port.ts';
import { KafkajsAdmin } from './admin.ts';
import { CONSUMER_SETTINGS, kafkajsClient } from './client.ts';
import { fromKafkajs } from './errors.ts';
import { toIncoming } from './records.ts';

/** One might have begun before the partitions were known. */
const DRY_FETCHES = 2;

type OnBatch = (batch: RecordBatch) => Promise<void> | void;

/** kafkajs reads in groups only: this one has a name of its own, commits nothing, and is deleted at the end. */
export class KafkajsReader implements TopicReader {
  readonly #options: DriverOptions;
  readonly #admin: KafkajsAdmin;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#admin = new KafkajsAdmin(options);
  }

  async readToEnd(
    topic: string,
    from: ReadonlyMap<number, bigint>,
    onBatch: OnBatch,
  ): Promise<ReadonlyMap<number, bigint>> {
    const ends = await this.#admin.endOffsets(topic);
    const positions = new Positions(from, ends);
    if (positions.open.size === 0) return ends;
    const groupId = `${this.#options.clientId}-reader-${randomUUID()}`;
    const consumer = kafkajsClient(this.#options).consumer({ groupId, ...CONSUMER_SETTINGS });
    try {
      await new Pass(consumer, topic, positions, onBatch).run();
    } finally {
      await consumer.disconnect().catch(() => undefined);
      // A group without members and offsets goes by itself, after a while.
      await this.#admin.deleteGroup(groupId).catch(() => undefined);
    }
    return ends;
  }

  async close(): Promise<void> {
    await this.#admin.close();
  }
}

/** One reading of a topic up to its ends. */
class Pass {
  readonly #consumer: Consumer;
  readonly #topic: string;
  readonly #positions: Positions;
  readonly #onBatch: OnBatch;
  readonly #done = Promise.withResolvers<undefined>();

  constructor(consumer: Consumer, topic: string, positions: Positions, onBatch: OnBatch) {
    this.#consumer = consumer;
    this.#topic = topic;
    this.#positions = positions;
    this.#onBatch = onBatch;
  }

  async run(): Promise<void> {
    this.#watch();
    try {
      await this.#start();
    } catch (error) {
      throw fromKafkajs(error, `read ${this.#topic}`);
    }
    await this.#done.promise;
  }

  async #start(): Promise<void> {
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [this.#topic], fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: true,
      eachBatch: (payload) => this.#deliver(payload),
    });
    for (const [partition, offset] of this.#positions.open) {
      // At 0 fromBeginning does the same, and finds the first offset where the log begins later.
      if (offset > 0n) this.#consumer.seek({ topic: this.#topic, partition, offset: offset.toString() });
    }
  }

  async #deliver(payload: EachBatchPayload): Promise<void> {
    if (payload.isStale()) return;
    const { batch } = payload;
    const { topic, partition } = batch;
    const start = this.#positions.open.get(partition);
    const end = this.#positions.end(partition);
    const records = batch.messages
      .map(toIncoming)
      .filter(({ offset }) => start !== undefined && offset >= start && offset < end);
    if (records.length === 0) return;
    const next = BigInt(batch.lastOffset()) + 1n;
    try {
      await this.#onBatch({ topic, partition, records, behind: Number(end > next ? end - next : 0n) });
    } catch (error) {
      this.#done.reject(error);
    }
  }

  #watch(): void {
    this.#consumer.on('consumer.crash', ({ payload: { error } }) => {
      this.#done.reject(fromKafkajs(error, `read ${this.#topic}`));
    });
    this.#consumer.on('consumer.end_batch_process', ({ payload: { partition, lastOffset } }) => {
      this.#positions.moveTo(partition, BigInt(lastOffset) + 1n);
      if (this.#positions.open.size === 0) this.#done.resolve(undefined);
    });
    this.#watchForDryFetches();
  }

  /** When every broker's fetches bring nothing, what is missing up to the ends was compacted away. */
  #watchForDryFetches(): void {
    const dryFetches = new Map<number, number>();
    this.#consumer.on('consumer.fetch_start', ({ payload: { nodeId } }) => {
      dryFetches.set(nodeId, dryFetches.get(nodeId) ?? 0);
      if ([...dryFetches.values()].every((count) => count >= DRY_FETCHES)) this.#done.resolve(undefined);
    });
    this.#consumer.on('consumer.fetch', ({ payload: { nodeId } }) => {
      dryFetches.set(nodeId, (dryFetches.get(nodeId) ?? 0) + 1);
    });
    this.#consumer.on('consumer.start_batch_process', () => {
      for (const nodeId of dryFetches.keys()) dryFetches.set(nodeId, 0);
    });
  }
}
