import { systemClock as clock } from '../../../core/clock.ts';
import { isKeyferryError, KeyferryError } from '../../../core/errors.ts';
import type { DriverOptions } from '../driver-options.ts';
import type { RecordBatch, TopicReader } from '../port.ts';
import { brokerError, Cluster } from './cluster.ts';
import { fromPlatformatic } from './errors.ts';
import { fetchRequest, type FetchAnswer, type FetchedPartition } from './fetch-request.ts';
import { listOffsets } from './offsets.ts';
import { decodeBatches, offsetBehind } from './record-batch-reader.ts';

const LIMITS = { maxWaitMs: 500, maxBytes: 4_000_000, maxPartitionBytes: 1_000_000 };
const GIVE_UP_AFTER_MS = 10_000;
const RETRY_DELAY_MS = 200;

type OnBatch = (batch: RecordBatch) => Promise<void> | void;

/** Fetches partitions directly: no group, nothing stays behind on the broker. */
export class PlatformaticReader implements TopicReader {
  readonly #cluster: Cluster;

  constructor(options: DriverOptions) {
    this.#cluster = new Cluster(options);
  }

  async readToEnd(
    topic: string,
    from: ReadonlyMap<number, bigint>,
    onBatch: OnBatch,
  ): Promise<ReadonlyMap<number, bigint>> {
    const ends = await this.#patiently(topic, () => this.#ends(topic));
    const pass = new Pass(topic, from, ends);
    while (pass.isOpen) await this.#patiently(topic, () => this.#step(pass, onBatch));
    return ends;
  }

  async close(): Promise<void> {
    await this.#cluster.close();
  }

  async #ends(topic: string): Promise<ReadonlyMap<number, bigint>> {
    const partitions = await this.#cluster.partitions(topic);
    return listOffsets(this.#cluster, topic, [...partitions.keys()], 'LATEST');
  }

  /** One fetch from every leader that has something left. */
  async #step(pass: Pass, onBatch: OnBatch): Promise<void> {
    const partitions = await this.#cluster.partitions(pass.topic);
    const byLeader = Map.groupBy(pass.positions(), ({ partition }) => partitions[partition]?.leader ?? -1);
    const fetches = [...byLeader].map(([leader, positions]) =>
      this.#cluster.request(leader, fetchRequest(positions, LIMITS)),
    );
    for (const answer of await Promise.all(fetches)) {
      const outOfRange = await deliver(pass, answer, onBatch);
      if (outOfRange.length === 0) continue;
      for (const [partition, offset] of await listOffsets(this.#cluster, pass.topic, outOfRange, 'EARLIEST')) {
        pass.moveTo(partition, offset);
      }
    }
  }

  async #patiently<T>(topic: string, attempt: () => Promise<T>): Promise<T> {
    const giveUpAt = clock.monotonic() + GIVE_UP_AFTER_MS;
    for (;;) {
      try {
        return await attempt();
      } catch (thrown) {
        if (thrown instanceof HandlerFailure) throw thrown.cause;
        const error = fromPlatformatic(thrown, `read ${topic}`);
        if (!isKeyferryError(error, 'KF_KAFKA_UNAVAILABLE') || clock.monotonic() >= giveUpAt) throw error;
        await clock.sleep(RETRY_DELAY_MS);
        await this.#cluster.refresh([topic]).catch(() => undefined);
      }
    }
  }
}
