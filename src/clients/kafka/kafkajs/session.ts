import type { Consumer, EachBatchPayload } from 'kafkajs';

import { systemClock as clock } from '../../../core/clock.ts';
import { Turns } from '../../../core/turns.ts';
import { ASKS } from '../asks.ts';
import type { DriverOptions } from '../driver-options.ts';
import type { GroupConsumerOptions, RecordBatch } from '../port.ts';
import { CONSUMER_SETTINGS, kafkajsClient } from './client.ts';
import { fromKafkajs } from './errors.ts';
import { Overheard } from './overheard.ts';
import { toIncoming } from './records.ts';

const HEARTBEAT_EVERY_MS = 1_000;

type Handler = (batch: RecordBatch) => Promise<void>;
type End = { readonly why: 'stopped' } | { readonly why: 'kafka' | 'handler'; readonly error: unknown };

/**
 * One kafkajs consumer until it is stopped or crashes. One partition at a time: kafkajs joins again as soon as one
 * handler of several has finished, and only so none runs while its partition is given away.
 */
export class Session {
  readonly #consumer: Consumer;
  readonly #groupId: string;
  readonly #topics: readonly string[];
  readonly #onJoined: (() => void) | undefined;
  readonly #handle: Handler;
  readonly #overheard = new Overheard();
  readonly #end = Promise.withResolvers<End>();
  /** The handler, and what runs aside. */
  readonly #turns = new Turns();
  #assigned: Readonly<Record<string, readonly number[]>> = {};
  #isPaused = false;
  #hasStarted = false;

  constructor(options: DriverOptions, { groupId, topics, onJoined }: GroupConsumerOptions, handle: Handler) {
    this.#consumer = kafkajsClient(options, this.#overheard).consumer({ groupId, ...CONSUMER_SETTINGS });
    this.#groupId = groupId;
    this.#topics = topics;
    this.#onJoined = onJoined;
    this.#handle = handle;
  }

  /** Resolves when stopped, and when another session may fare better; rejects with what will not pass by itself. */
  async run(stop: AbortSignal): Promise<void> {
    const onStop = (): void => {
      this.#end.resolve({ why: 'stopped' });
    };
    stop.addEventListener('abort', onStop, { once: true });
    const starting = this.#start().catch((error: unknown) => {
      this.#end.resolve({ why: 'kafka', error });
    });
    const end = await this.#end.promise;
    stop.removeEventListener('abort', onStop);
    // kafkajs can't be stopped while it starts; afterwards this waits for the handler and leaves the group.
    await starting;
    await this.#consumer.disconnect().catch(() => undefined);
    if (end.why === 'handler') throw end.error as Error;
    if (end.why === 'stopped') return;
    const error = fromKafkajs(this.#overheard.explain(end.error), ASKS.consume(this.#groupId, this.#topics));
    if (error.code !== 'KF_KAFKA_UNAVAILABLE') throw error;
  }

  pause(): void {
    this.#isPaused = true;
    if (this.#hasStarted) this.#consumer.pause(this.#topics.map((topic) => ({ topic })));
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#hasStarted) this.#consumer.resume(this.#topics.map((topic) => ({ topic })));
  }

  /**
   * As GroupConsumer.aside, but for one thing: kafkajs joins a rebalancing group without asking, so that the partition
   * may be given away in the very moment in which the action ends.
   */
  aside<T>(topic: string, partition: number, action: () => Promise<T>): Promise<T | undefined> {
    const isOurs = (): boolean => this.#assigned[topic]?.includes(partition) === true;
    return this.#turns.take(async () => (isOurs() ? action() : undefined));
  }

  async #start(): Promise<void> {
    this.#consumer.on('consumer.group_join', ({ payload: { memberAssignment } }) => {
      this.#assigned = memberAssignment;
      this.#onJoined?.();
    });
    this.#consumer.on('consumer.crash', ({ payload: { error } }) => {
      this.#end.resolve({ why: 'kafka', error });
    });
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [...this.#topics], fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => this.#turns.take(() => this.#deliver(payload)),
    });
    this.#hasStarted = true;
    if (this.#isPaused) this.pause();
  }

  async #deliver(payload: EachBatchPayload): Promise<void> {
    // Fetched already; it is fetched again.
    if (this.#isPaused || !payload.isRunning() || payload.isStale()) return;
    const { batch } = payload;
    const { topic, partition, messages } = batch;
    const stopBeating = clock.every(HEARTBEAT_EVERY_MS, () => {
      // What it may say, that the group rebalances, is heard again after the handler.
      void payload.heartbeat().catch(() => undefined);
    });
    try {
      const behind = Math.max(0, Number(batch.offsetLag()));
      await this.#handle({ topic, partition, records: messages.map(toIncoming), behind });
    } catch (error) {
      payload.pause();
      this.#end.resolve({ why: 'handler', error });
      return;
    } finally {
      stopBeating();
    }
    // I5. Resolved after the commit: if that fails the batch comes again, and with it the commit.
    const offset = (BigInt(batch.lastOffset()) + 1n).toString();
    await payload.commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset }] }] });
    payload.resolveOffset(batch.lastOffset());
  }
}
