import { systemClock as clock } from '../../../core/clock.ts';
import type { ErrorCode } from '../../../core/errors.ts';
import { ASKS } from '../asks.ts';
import type { DriverOptions } from '../driver-options.ts';
import { partitionError } from '../kafka-errors.ts';
import type { OnBatch, RecordBatch, TopicReader } from '../port.ts';
import { Positions } from '../positions.ts';
import { brokerError, Cluster } from './cluster.ts';
import { fromPlatformatic } from './errors.ts';
import { fetchRequest, type FetchAnswer, type FetchedPartition } from './fetch-request.ts';
import { listOffsets } from './offsets.ts';
import { decodeBatches, offsetBehind } from './record-batch-reader.ts';

const LIMITS = { maxWaitMs: 500, maxBytes: 4_000_000, maxPartitionBytes: 256_000 };
const PATIENCE_MS: Partial<Record<ErrorCode, number>> = {
  KF_KAFKA_UNAVAILABLE: 8_000,
  // A topic may be new: its metadata takes a moment to reach every broker.
  KF_KAFKA_TOPIC_MISSING: 1_000,
};
const RETRY_DELAY_MS = 200;

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
    const positions = new Positions(from, ends);
    while (positions.open.size > 0) {
      for (const answer of await this.#patiently(topic, () => this.#fetch(topic, positions))) {
        for (const fetched of answer.partitions) {
          const batch = advance(positions, fetched);
          if (batch.records.length > 0 && (await onBatch(batch)) === 'enough') return ends;
        }
        if (isDry(answer)) for (const fetched of answer.partitions) finish(positions, fetched);
        const gone = answer.partitions.filter(isOutOfRange).map(({ partition }) => partition);
        if (gone.length === 0) continue;
        const earliest = await this.#patiently(topic, () => listOffsets(this.#cluster, topic, gone, 'EARLIEST'));
        for (const [partition, offset] of earliest) positions.moveTo(partition, offset);
      }
    }
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
  async #fetch(topic: string, { open }: Positions): Promise<readonly FetchAnswer[]> {
    const partitions = await this.#cluster.partitions(topic);
    const byLeader = Map.groupBy(open, ([partition]) => partitions[partition]?.leader ?? -1);
    const answers = [...byLeader].map(async ([leader, positions]) => {
      const wanted = positions.map(([partition, offset]) => ({ topic, partition, offset }));
      const answer = await this.#cluster.request(leader, fetchRequest(wanted, LIMITS));
      for (const fetched of answer.partitions) if (!isOutOfRange(fetched)) throwBrokerError(fetched);
      return answer;
    });
    return Promise.all(answers);
  }

  async #patiently<T>(topic: string, attempt: () => Promise<T>): Promise<T> {
    const startedAt = clock.monotonic();
    for (;;) {
      try {
        return await attempt();
      } catch (thrown) {
        const error = fromPlatformatic(thrown, ASKS.read(topic));
        if (clock.monotonic() - startedAt >= (PATIENCE_MS[error.code] ?? 0)) throw error;
        await clock.sleep(RETRY_DELAY_MS);
        await this.#cluster.refresh([topic]).catch(() => undefined);
      }
    }
  }
}

/** Moves past what was fetched, be it records, markers or the holes that compaction left. */
const advance = (positions: Positions, fetched: FetchedPartition): RecordBatch => {
  const { topic, partition, bytes } = fetched;
  const start = positions.open.get(partition) ?? 0n;
  const end = positions.end(partition);
  const next = offsetBehind(bytes) ?? start;
  positions.moveTo(partition, next);
  const records = decodeBatches(fetched, start);
  const within = next <= end ? records : records.filter(({ offset }) => offset < end);
  return { topic, partition, records: within, behind: Number(end > next ? end - next : 0n) };
};

/** The broker has nothing up to its stable offset: what stood there was compacted away. */
const finish = (positions: Positions, { partition, stableOffset }: FetchedPartition): void => {
  if (stableOffset >= positions.end(partition)) positions.moveTo(partition, stableOffset);
};

const isOutOfRange = ({ errorCode }: FetchedPartition): boolean =>
  brokerError(errorCode).name === 'OFFSET_OUT_OF_RANGE';

/** Only an answer without a byte says that nothing is there: in a full one, a partition may have had to wait. */
const isDry = ({ throttled, partitions }: FetchAnswer): boolean =>
  !throttled && partitions.every(({ bytes, errorCode }) => bytes.length === 0 && errorCode === 0);

const throwBrokerError = (fetched: FetchedPartition): void => {
  if (fetched.errorCode === 0) return;
  throw partitionError(fetched, brokerError(fetched.errorCode), ASKS.read(fetched.topic));
};
