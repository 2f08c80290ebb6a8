import type { ErrorCode } from '../core/errors.ts';
import type { GapCause } from '../core/gap.ts';
import type { KeyOp } from '../core/key-record.ts';
import type { ListOutcome } from '../core/list-record.ts';
import type { SinkOutcome } from '../core/sink-outcome.ts';
import type { StreamOutcome } from '../core/stream-outcome.ts';
import type { Read, Sample } from './instruments.ts';

/** What one keyspace source reports. Durations in seconds; counts are added at once for a whole batch. */
export interface SourceMetrics {
  /** Something suspected keys: `notification`, `reconcile`, `write` (one of our own, through Redis REST). */
  touched(cause: string, count: number): void;
  /** Records that Kafka acknowledged. */
  published(op: KeyOp, count: number): void;
  /** Keys read whose state is the one published last. */
  unchanged(count: number): void;
  /** Touches dropped by include and exclude. */
  filtered(count: number): void;
  /** Records that say that a value was too large to travel. */
  omitted(count: number): void;
  /** From the change seen to its record acknowledged. */
  endToEnd(seconds: number): void;
  /** From writing the canary to its notification; of one that did not come, how long it was waited for. */
  canary(seconds: number): void;
  gapOpened(cause: GapCause): void;
  /** One that stood open for so long has closed. */
  gapClosed(cause: GapCause, seconds: number): void;
  reconciledKeys(count: number): void;
  /** A reconcile that ended took so long. */
  reconciled(seconds: number): void;
  /** How to learn the number of keys that wait; called at each scrape. Once a source. */
  pendingKeys(read: Read): void;
  /** How to learn how long ago the oldest change was seen that Kafka lacks; 0: it lacks none. Once a source. */
  behind(read: Read): void;
  /** How to learn what the keys that wait take of their bound, in the database where it is most. Once a source. */
  pendingBytes(read: Read, limitBytes: number): void;
  /** How to learn the number of open gaps. Once a source. */
  openGaps(read: Read): void;
}

/** What one stream source reports. */
export interface StreamMetrics {
  /** Entries done with. */
  entries(outcome: StreamOutcome, count: number): void;
  deadLetters(count: number): void;
  /** From entries read to their records acknowledged. */
  endToEnd(seconds: number): void;
  /** Entries taken over from other consumers of the group. */
  claimed(count: number): void;
  /** Entries removed from streams because every group had acknowledged them. */
  trimmed(count: number): void;
  /** Groups that had gone, and were made again. */
  groupsRemade(count: number): void;
  /** How to learn the entries that the group has not read; undefined until known. Once a source. */
  lag(read: Read): void;
  /** How to learn the entries that the group has read and not acknowledged; undefined until known. Once a source. */
  pending(read: Read): void;
}

/** What one list source reports. */
export interface ListMetrics {
  /** Items done with. */
  items(outcome: ListOutcome, count: number): void;
  deadLetters(count: number): void;
  /** From items taken to their records acknowledged. */
  endToEnd(seconds: number): void;
  /** How to learn the items that stand in the lists; undefined until known. Once a source. */
  length(read: Read): void;
}

/** What one sink reports. */
export interface SinkMetrics {
  /** Records done with. */
  records(outcome: SinkOutcome, count: number): void;
  deadLetters(count: number): void;
  /** One batch, from its first command to its last reply. */
  applied(seconds: number): void;
  /** From a record's timestamp to its state applied. */
  endToEnd(seconds: number): void;
  /** How to learn the records not yet applied; undefined until known. Once a sink. */
  lag(read: Read): void;
}

/** What Redis REST reports. */
export interface RestMetrics {
  /** Answered. @param route `command`, `path`, `pipeline`, `multi-exec`. @param status of HTTP. */
  request(route: string, status: number): void;
  /** One request, from its arrival to its answer; `ack`: a write that waited for Kafka. */
  requestSeconds(kind: RestKind, seconds: number): void;
  /** What became of a key that was looked for at its origin; `superseded`: somebody wrote it meanwhile. */
  origin(outcome: 'stored' | 'superseded' | 'absent' | 'failed'): void;
}

export type RestKind = 'read' | 'write' | 'ack';

export interface RedisMetrics {
  commands(kind: 'read' | 'write', count: number): void;
  /** One round trip. */
  commandSeconds(seconds: number): void;
}

export interface RedisServersMetrics extends RedisMetrics {
  /** How to learn what servers say of themselves; called at each scrape. Several may be given. */
  servers(read: () => readonly RedisServerLoad[]): void;
}

/** What a server of Redis says of itself, since it runs. */
export interface RedisServerLoad {
  /** host:port */
  readonly address: string;
  readonly usedMemoryBytes: number | undefined;
  /** undefined: no limit is set, or none is known. */
  readonly maxMemoryBytes: number | undefined;
  readonly evictedKeys: number | undefined;
}

export interface KafkaMetrics {
  /** One send that Kafka acknowledged. */
  produceSeconds(seconds: number): void;
  /** One send that it did not; it may be tried again. */
  produceFailed(code: ErrorCode): void;
}

/** What the daemon says of itself. Once a process. */
export interface DaemonMetrics {
  readonly version: string;
  /** As /readyz tells. */
  readonly isReady: () => boolean;
}

export interface Metrics {
  /** The page that Prometheus scrapes. */
  text(): Promise<string>;
  readonly contentType: string;
  /** The series of one metric. @param name without the prefix `keyferry_`. */
  samples(name: string): Promise<readonly Sample[]>;
  source(name: string): SourceMetrics;
  streamSource(name: string): StreamMetrics;
  listSource(name: string): ListMetrics;
  sink(name: string): SinkMetrics;
  readonly redis: RedisServersMetrics;
  readonly rest: RestMetrics;
  readonly kafka: KafkaMetrics;
  daemon(daemon: DaemonMetrics): void;
  /** How to learn whether a flow is paused. Once a flow. */
  flowPaused(kind: 'source' | 'sink', name: string, isPaused: () => boolean): void;
}
