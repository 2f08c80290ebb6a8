import { randomUUID } from 'node:crypto';

import type { Consumer, EachBatchPayload } from 'kafkajs';

import { systemClock as clock } from '../../../core/clock.ts';
import type { KeyferryError } from '../../../core/errors.ts';
import { ASKS, type Ask } from '../asks.ts';
import type { DriverOptions } from '../driver-options.ts';
import { Positions } from '../positions.ts';
import type { OnBatch, TopicReader } from '../port.ts';
import { KafkajsAdmin } from './admin.ts';
import { CONSUMER_SETTINGS, kafkajsClient } from './client.ts';
import { fromKafkajs } from './errors.ts';
import { Overheard } from './overheard.ts';
import { toIncoming } from './records.ts';

/** Without progress for this long, the reading is given up. */
const PATIENCE_MS = 8_000;
const RETRY_DELAY_MS = 200;
/** One might have begun before the partitions were known. */
const DRY_FETCHES = 2;

/** kafkajs reads in groups only: each reading has one of its own, commits nothing, and deletes it at the end. */
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
    let lastProgress = clock.monotonic();
    const deliver: OnBatch = async (batch) => {
      const verdict = await onBatch(batch);
      lastProgress = clock.monotonic();
      return verdict;
    };
    while (positions.open.size > 0) {
      const trouble = await this.#read(topic, positions, deliver);
      if (trouble === undefined) break;
      const mayPass = trouble.code === 'KF_KAFKA_UNAVAILABLE' && clock.monotonic() - lastProgress < PATIENCE_MS;
      if (!mayPass) throw trouble;
      await clock.sleep(RETRY_DELAY_MS);
    }
    return ends;
  }

  /** @returns what kept it from reading to the end */
  async #read(topic: string, positions: Positions, onBatch: OnBatch): Promise<KeyferryError | undefined> {
    const groupPrefix = `${this.#options.clientId}-reader-`;
    const groupId = `${groupPrefix}${randomUUID()}`;
    const ask = ASKS.readAsGroup(topic, groupPrefix);
    const overheard = new Overheard();
    const consumer = kafkajsClient(this.#options, overheard).consumer({ groupId, ...CONSUMER_SETTINGS });
    try {
      return await new Pass({ consumer, topic, positions, onBatch, ask, overheard }).run();
    } finally {
      await consumer.disconnect().catch(() => undefined);
      // A group without members and offsets goes by itself, after a while.
      await this.#admin.deleteGroup(groupId).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    await this.#admin.close();
  }
}

interface PassOptions {
  readonly consumer: Consumer;
  readonly topic: string;
  readonly positions: Positions;
  readonly onBatch: OnBatch;
  readonly ask: Ask;
  readonly overheard: Overheard;
}

/** One consumer's reading from the open positions on. */
class Pass {
  readonly #consumer: Consumer;
  readonly #topic: string;
  readonly #positions: Positions;
  readonly #onBatch: OnBatch;
  readonly #ask: Ask;
  readonly #overheard: Overheard;
  readonly #done = Promise.withResolvers<KeyferryError | undefined>();
  #hasEnough = false;

  constructor({ consumer, topic, positions, onBatch, ask, overheard }: PassOptions) {
    this.#consumer = consumer;
    this.#topic = topic;
    this.#positions = positions;
    this.#onBatch = onBatch;
    this.#ask = ask;
    this.#overheard = overheard;
  }

  /** Rejects when the batch handler does. */
  async run(): Promise<KeyferryError | undefined> {
    this.#consumer.on('consumer.crash', ({ payload: { error } }) => {
      this.#fail(error);
    });
    this.#consumer.on('consumer.end_batch_process', ({ payload: { partition, batchSize, lastOffset } }) => {
      // Markers and aborted records only: it is not delivered.
      if (batchSize === 0) this.#moveTo(partition, BigInt(lastOffset) + 1n);
    });
    this.#watchForDryFetches();
    await this.#start().catch((error: unknown) => {
      this.#fail(error);
    });
    return this.#done.promise;
  }

  #fail(error: unknown): void {
    this.#done.resolve(fromKafkajs(this.#overheard.explain(error), this.#ask));
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
    if (payload.isStale() || this.#hasEnough) return;
    const { batch } = payload;
    const { topic, partition } = batch;
    const start = this.#positions.open.get(partition);
    const end = this.#positions.end(partition);
    const isWanted = (offset: bigint): boolean => start !== undefined && offset >= start && offset < end;
    const records = batch.messages.map(toIncoming).filter(({ offset }) => isWanted(offset));
    const next = BigInt(batch.lastOffset()) + 1n;
    const behind = Number(end > next ? end - next : 0n);
    try {
      if (records.length > 0)
        this.#hasEnough = (await this.#onBatch({ topic, partition, records, behind })) === 'enough';
      this.#moveTo(partition, next);
      if (this.#hasEnough) this.#done.resolve(undefined);
    } catch (error) {
      this.#done.reject(error);
    }
  }

  #moveTo(partition: number, offset: bigint): void {
    const position = this.#positions.open.get(partition);
    // What was fetched before a seek may lie behind it.
    if (position !== undefined && offset > position) this.#positions.moveTo(partition, offset);
    if (this.#positions.open.size === 0) this.#done.resolve(undefined);
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
