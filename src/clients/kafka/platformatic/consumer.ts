import { systemClock as clock } from '../../../core/clock.ts';
import type { ErrorCode } from '../../../core/errors.ts';
import type { Logger } from '../../../core/log.ts';
import type { DriverOptions } from '../driver-options.ts';
import type { GroupConsumer, GroupConsumerOptions } from '../port.ts';
import { Cluster } from './cluster.ts';
import { Delivery, type BatchHandler } from './delivery.ts';
import { Membership, type Offset } from './membership.ts';

const RETRY_DELAY_MS = 500;

/**
 * A group member that joins, delivers until the group rebalances, and joins again. The library's own consumer joins
 * again at once when the group rebalances, without waiting for handlers, and commits what may not be its own any more.
 */
export class PlatformaticGroupConsumer implements GroupConsumer {
  readonly #cluster: Cluster;
  readonly #membership: Membership;
  readonly #closing = new AbortController();
  #delivery: Delivery | undefined;
  #isPaused = false;
  #run: Promise<void> | undefined;
  /** Why joining has failed so far. */
  #trouble: ErrorCode | undefined;
  readonly #groupId: string;
  readonly #onJoined: (() => void) | undefined;
  readonly #logger: Logger | undefined;

  constructor(options: DriverOptions, group: GroupConsumerOptions) {
    this.#cluster = new Cluster(options);
    this.#membership = new Membership(options, group);
    this.#groupId = group.groupId;
    this.#onJoined = group.onJoined;
    this.#logger = options.logger;
  }

  async run(handle: BatchHandler): Promise<void> {
    this.#run = this.#untilClosed(handle).finally(() => this.#disconnect());
    await this.#run;
  }

  pause(): void {
    this.#isPaused = true;
    this.#delivery?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#delivery?.resume();
  }

  async aside<T>(topic: string, partition: number, action: () => Promise<T>): Promise<T | undefined> {
    return this.#delivery?.aside(topic, partition, action);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#delivery?.stop();
    await this.#membership.stopJoining();
    if (this.#run === undefined) await this.#disconnect();
    else await this.#run.catch(() => undefined); // told to whoever called run
  }

  async #untilClosed(handle: BatchHandler): Promise<void> {
    while (!this.#isClosing()) {
      const start = await this.#joined();
      if (start === undefined || this.#isClosing()) continue;
      this.#delivery = new Delivery(this.#cluster, this.#membership, handle);
      if (this.#isPaused) this.#delivery.pause();
      await this.#delivery.run(start);
    }
  }

  /** undefined: it did not come about, and may be tried again. */
  async #joined(): Promise<readonly Offset[] | undefined> {
    try {
      const offsets = await this.#membership.committed(await this.#membership.join());
      const partitions = offsets.map(({ topic, partition }) => `${topic}/${partition}`);
      this.#logger?.info({ group: this.#groupId, partitions }, 'joined the consumer group');
      this.#trouble = undefined;
      this.#onJoined?.();
      return offsets;
    } catch (thrown) {
      if (this.#isClosing()) return undefined;
      const error = this.#membership.translate(thrown);
      // A topic may be new: its metadata takes a moment to reach every broker.
      const isNew = error.code === 'KF_KAFKA_TOPIC_MISSING' && this.#trouble !== error.code;
      if (!isNew && error.code !== 'KF_KAFKA_UNAVAILABLE') throw error;
      if (this.#trouble === undefined) {
        this.#logger?.warn({ group: this.#groupId, error: error.message }, 'cannot join the consumer group yet');
      }
      this.#trouble = error.code;
      await clock.sleep(RETRY_DELAY_MS, this.#closing.signal);
      return undefined;
    }
  }

  #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  async #disconnect(): Promise<void> {
    // A member that could not say goodbye is missed after its session's timeout.
    await this.#membership.leave().catch(() => undefined);
    await Promise.all([this.#membership.close(), this.#cluster.close()]);
  }
}
