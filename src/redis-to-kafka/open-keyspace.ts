import type { KafkaAdmin, KafkaDriver } from '../clients/kafka/port.ts';
import type { RedisConnection } from '../clients/redis/port.ts';
import { headerWriter } from '../codecs/record-headers.ts';
import type { Clock } from '../core/clock.ts';
import type { RecordFormat } from '../core/key-record.ts';
import type { Logger } from '../core/log.ts';
import type { PauseSwitch } from '../core/pause-switch.ts';
import type { ChangeWatch } from '../core/passed-change.ts';
import type { Tracer } from '../core/tracer.ts';
import type { SourceMetrics } from '../observability/metrics.ts';
import { catchUp } from '../state-store/catch-up.ts';
import type { PublishedStates } from '../state-store/published-states.ts';
import type { FlagsMode } from './feeds/notification-flags.ts';
import { Keyspace } from './keyspace.ts';
import { keyFilter } from './publish/key-filter.ts';
import { RecordMaker } from './publish/record-maker.ts';
import { topicRoute } from './publish/routing.ts';
import type { SourceTopics } from './publish/topics.ts';
import type { SnapshotWork } from './snapshots.ts';

export interface KeyspaceSourceOptions {
  readonly name: string;
  readonly databases: readonly number[];
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** A template: publish/routing.ts. */
  readonly topic: string;
  readonly partitions: number;
  readonly format: RecordFormat;
  readonly maxValueBytes: number;
  readonly maxPendingBytes: number;
  readonly notifications: FlagsMode;
  /** 0: never. */
  readonly reconcileEveryMs: number;
  /** 0: never. */
  readonly canaryEveryMs: number;
}

/** What every database of a source is built with. */
export interface KeyspaceTools {
  readonly kafka: KafkaDriver;
  readonly admin: KafkaAdmin;
  readonly topics: SourceTopics;
  /** The store's part for `source/db`. */
  readonly published: (name: string) => PublishedStates;
  readonly isCluster: boolean;
  /** Id of the Redis deployment. */
  readonly origin: string;
  readonly pause: PauseSwitch;
  readonly snapshots: SnapshotWork;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SourceMetrics;
  /** Told of what Kafka has; undefined: nobody ever looks. */
  readonly watch?: ChangeWatch | undefined;
  /** undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  readonly onCaughtUp: (records: number) => void;
  readonly signal: AbortSignal;
}

/** Its topic is there, and its part of the store says what the topic holds: now the database can be mirrored. */
export const openKeyspace = async (
  database: { readonly db: number; readonly reading: RedisConnection },
  options: KeyspaceSourceOptions,
  tools: KeyspaceTools,
): Promise<Keyspace> => {
  const { name, format, include, exclude } = options;
  const { kafka, admin, topics, logger } = tools;
  const { db } = database;
  const route = topicRoute(options.topic, name, db);
  if (route.only !== undefined) await topics.ensure(route.only);
  const published = tools.published(`${name}/${db}`);
  const reader = kafka.reader();
  try {
    await catchUp({
      published,
      admin,
      reader,
      topics: { ...route, db },
      logger,
      onProgress: tools.onCaughtUp,
    });
  } finally {
    await reader.close();
  }
  return new Keyspace({
    ...options,
    ...tools,
    ...database,
    source: name,
    published,
    accepts: keyFilter(include, exclude),
    records: new RecordMaker({ route, headers: headerWriter({ db, origin: tools.origin }), format }),
    producer: await kafka.producer(),
  });
};
