import { randomUUID } from 'node:crypto';
import { connectKafka } from '../clients/kafka/connect.ts';
import { metered } from '../clients/kafka/metered.ts';
import { connectRedis } from '../clients/redis/connect.ts';
import type {
  AppConfig,
  KeyspaceSourceConfig,
  ListSourceConfig,
  RedisConfig,
  SinkConfig,
  SourceConfig,
  StreamSourceConfig,
} from '../config/app-config.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { PauseSwitch } from '../core/pause-switch.ts';
import { Sink } from '../kafka-to-redis/flow.ts';
import type { Tracer } from '../core/tracer.ts';
import type { Metrics } from '../observability/metrics.ts';
import { KeyspaceSource } from '../redis-to-kafka/flow.ts';
import { ListSource } from '../redis-to-kafka/lists/list-source.ts';
import { StreamSource } from '../redis-to-kafka/streams/stream-source.ts';
import type { ChangeTail } from '../rest/live/change-tail.ts';
import type { LmdbStateStore } from '../state-store/lmdb-state-store.ts';
import type { FlowJournals } from './flow-journal.ts';
import type { FlowReport } from './flow-status.ts';

/** What all flows are built with. */
export interface Tools {
  readonly config: AppConfig;
  readonly store: LmdbStateStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly journals: FlowJournals;
  readonly tail: ChangeTail;
  /** undefined: nothing is traced. */
  readonly tracer: Tracer | undefined;
}

/** A flow, as the daemon runs it. */
export interface Flow {
  readonly name: string;
  readonly pause: PauseSwitch;
  /** Ends after the signal, once what is in flight is done; `drain` aborts when that takes too long. */
  run(signal: AbortSignal, drain: AbortSignal): Promise<void>;
  /** Why it does not deliver just now; empty where it does. */
  health(): readonly string[];
  status(): FlowReport;
}

export const openSource = (source: SourceConfig, tools: Tools): Flow => {
  switch (source.type) {
    case 'keyspace':
      return keyspaceSource(source, tools);
    case 'stream':
      return streamSource(source, tools);
    case 'list':
      return listSource(source, tools);
  }
};

export const openSink = (sink: SinkConfig, tools: Tools): Sink => {
  const options = sink.format === 'keyferry' ? sink : { ...sink, expireMs: sink.expire };
  return new Sink(options, sinkNeeds(sink, tools));
};

const keyspaceSource = (source: KeyspaceSourceConfig, tools: Tools): KeyspaceSource => {
  const { store, metrics } = tools;
  const journal = tools.journals.of({ kind: 'source', name: source.name });
  const options = { ...source, reconcileEveryMs: source.reconcileEvery, canaryEveryMs: source.canaryEvery };
  return new KeyspaceSource(options, {
    ...servers(tools.config.redis, tools),
    published: (name) => store.published(name),
    logger: sourceLogger(source.name, tools),
    watch: tools.tail.of({ source: source.name }),
    metrics: journal.timing(metrics.source(source.name)),
  });
};

const streamSource = (source: StreamSourceConfig, tools: Tools): StreamSource => {
  const { config, metrics } = tools;
  const { consumer = config.kafka.clientId, claimAfter: claimAfterMs, discoverEvery: discoverEveryMs } = source;
  const options = { ...source, consumer, claimAfterMs, discoverEveryMs };
  return new StreamSource(options, {
    ...servers(config.redis, tools),
    logger: sourceLogger(source.name, tools),
    watch: tools.tail.of({ source: source.name }),
    metrics: metrics.streamSource(source.name),
  });
};

const listSource = (source: ListSourceConfig, tools: Tools): ListSource =>
  new ListSource(source, {
    ...servers(tools.config.redis, tools),
    logger: sourceLogger(source.name, tools),
    watch: tools.tail.of({ source: source.name }),
    metrics: tools.metrics.listSource(source.name),
  });

const sinkNeeds = (sink: SinkConfig, tools: Tools) => ({
  ...servers(sink.redis, tools),
  logger: tools.journals.of({ kind: 'sink', name: sink.name }).reading(tools.logger.child({ sink: sink.name })),
  metrics: tools.metrics.sink(sink.name),
  watch: tools.tail.of({ sink: sink.name }),
});

const sourceLogger = (name: string, { journals, logger }: Tools): Logger =>
  journals.of({ kind: 'source', name }).reading(logger.child({ source: name }));

const servers = (redis: RedisConfig, { config, store, clock, metrics, tracer }: Tools) => ({
  redis: connectRedis({ ...redis, name: config.kafka.clientId, clock, metrics: metrics.redis }),
  kafka: metered(connectKafka(config.kafka), metrics.kafka, clock),
  clock,
  tracer,
  notes: store.notes,
  randomId: randomUUID,
});
