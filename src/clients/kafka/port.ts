/**
 * What Keyferry needs of a Kafka client, and nothing else. Two drivers implement it; test/contract holds the suite that
 * both must pass. Every method rejects with a KeyferryError whose code tells a transient failure (KF_KAFKA_UNAVAILABLE,
 * the caller waits and tries again) from one that will not pass by itself.
 */
export interface KafkaDriver {
  producer(): Promise<RecordProducer>;
  groupConsumer(options: GroupConsumerOptions): GroupConsumer;
  reader(): TopicReader;
  admin(): KafkaAdmin;
}

/** Header order is kept; a name appears once. Records may share a Map: nobody changes one. */
export type RecordHeaders = ReadonlyMap<string, Buffer>;

export interface OutgoingRecord {
  readonly topic: string;
  /** Where it goes. Absent: Kafka's default murmur2 of the key, the partition that the Java client would choose. */
  readonly partition?: number;
  readonly key: Buffer | null;
  /** null: a tombstone. */
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
}

/** The broker's word that a partition holds a sent batch: its records stand from `baseOffset` on. */
export interface Acknowledgement {
  readonly topic: string;
  readonly partition: number;
  readonly baseOffset: bigint;
  /** Where one of the records stands, the very object that was sent; undefined: elsewhere, or the broker did not say. */
  offsetOf(record: OutgoingRecord): bigint | undefined;
}

/** An idempotent producer, acks=all. Sends go one after the other, in the order of their calls. */
export interface RecordProducer {
  /**
   * Resolves when all in-sync replicas hold every record. On rejection any part of the batch may stand in the log: the
   * same array sent again goes on from there, without writing anything twice; another one leaves the rest behind.
   * @throws KF_KAFKA_UNAVAILABLE within 15 s, KF_KAFKA_RECORD_TOO_LARGE, KF_KAFKA_TOPIC_MISSING, KF_KAFKA_REFUSED
   */
  send(records: readonly OutgoingRecord[]): Promise<readonly Acknowledgement[]>;
  close(): Promise<void>;
}

export interface IncomingRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
  readonly offset: bigint;
  /** Unix ms. */
  readonly timestamp: number;
}

/** Records of one partition, in offset order. */
export interface RecordBatch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly IncomingRecord[];
  /** Records in the partition after this batch, as far as the fetch told; undefined until known. */
  readonly behind: number | undefined;
}

export interface GroupConsumerOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Told each time that it has joined, and knows its partitions: only now it delivers. */
  readonly onJoined?: () => void;
}

/** A member of a consumer group, reading from the earliest record where nothing was committed. Delivers at least once. */
export interface GroupConsumer {
  /**
   * Joins and delivers until `close`. Batches of one partition come one after another, those of different ones may be
   * handled at once; bytes fetched ahead of slow handlers are bounded. The offset behind a batch is
   * committed after its handler resolved, never before (I5). Connection losses and rebalances are ridden out; before a
   * partition is given away the running handler is awaited. Rejects when the handler does, or on a refusal by Kafka.
   */
  run(handle: (batch: RecordBatch) => Promise<void>): Promise<void>;
  /** Delivers nothing, and so commits nothing, until `resume`; the member stays in its group. Before `run` too. */
  pause(): void;
  resume(): void;
  /**
   * Runs the action as if it were a handler of the partition: no batch of it is with its handler meanwhile, and the
   * partition is not given away before it has ended. Also while paused.
   * @returns undefined where the partition is not this member's just now: the action was not run.
   */
  aside<T>(topic: string, partition: number, action: () => Promise<T>): Promise<T | undefined>;
  /** Waits for running handlers, commits what they finished, leaves the group. */
  close(): Promise<void>;
}

/** `enough`: no more of them. */
export type OnBatch = (batch: RecordBatch) => Promise<'enough' | undefined> | 'enough' | undefined;

/** Reads a topic outside of any group: for rebuilding the state store and for verify. */
export interface TopicReader {
  /**
   * Delivers every record from `from` (absent partition: the beginning) up to the end offsets that stood when the call
   * began, then resolves with those end offsets, one per partition. An offset that no longer exists reads from the
   * earliest one. Batches of different partitions may alternate; `onBatch` is awaited before the next one, and ends the
   * reading where it says `enough`.
   */
  readToEnd(topic: string, from: ReadonlyMap<number, bigint>, onBatch: OnBatch): Promise<ReadonlyMap<number, bigint>>;
  close(): Promise<void>;
}

export interface TopicDescription {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Topic configuration as the broker tells it: `cleanup.policy`, `max.message.bytes`... */
  readonly config: ReadonlyMap<string, string>;
}

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
  /** Kafka says whether it would create the topic, and does not. */
  readonly validateOnly?: boolean;
}

export interface KafkaAdmin {
  /** All topic names that this client may see, internal ones left out. */
  topics(): Promise<readonly string[]>;
  /** undefined where the topic does not exist. */
  describe(topic: string): Promise<TopicDescription | undefined>;
  /** Creates the topic with the broker's default replication; one that exists already is left as it is. */
  create(topic: TopicSpec): Promise<void>;
  /**
   * Kafka's id of a topic: another one once it was deleted and created again. undefined where there is no such topic, and
   * where the client library or the broker does not tell.
   */
  topicId(topic: string): Promise<string | undefined>;
  /** The next offset of each partition. */
  endOffsets(topic: string): Promise<ReadonlyMap<number, bigint>>;
  close(): Promise<void>;
}
