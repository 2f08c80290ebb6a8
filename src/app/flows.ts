import { randomUUID } from 'node:crypto';
import { connectKafka } from '../clients/kafka/connect.ts';
import { connectRedis } from '../clients/redis/connect.ts';
import type { AppConfig, KeyspaceSourceConfig, SinkConfig, SourceConfig } from '../config/app-config.ts';
import type { Clock } from '../core/clock.ts';
import { KeyferryError } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { KeyferrySink } from '../kafka-to-redis/flow.ts';
import type { Metrics } from '../observability/metrics.ts';
import { KeyspaceSource } from '../redis-to-kafka/flow.ts';
import type { LmdbStateStore } from '../state-store/lmdb-state-store.ts';

/** What all flows are built with. */
export interface Tools {
  readonly config: AppConfig;
  readonly store: LmdbStateStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** A flow, as the daemon runs it. */
export interface Flow {
  /** Ends after the signal, once what is in flight is done; `drain` aborts when that takes too long. */
  run(signal: AbortSignal, drain: AbortSignal): Promise<void>;
  /** Why it does not deliver just now; empty where it does. */
  health(): readonly string[];
  status(): { readonly name: string };
}

export const openSource = (source: SourceConfig, tools: Tools): Flow => {
  switch (source.type) {
    case 'keyspace':
      return keyspaceSource(source, tools);
    case 'stream':
    case 'list':
      throw new KeyferryError('KF_CONFIG_INVALID', `source ${source.name}: type ${source.type} is being built`);
  }
};

export const openSink = (sink: SinkConfig, tools: Tools): Flow => {
  if (sink.format === 'keyferry') return new KeyferrySink(sink, sinkNeeds(sink, tools));
  throw new KeyferryError('KF_CONFIG_INVALID', `sink ${sink.name}: format ${sink.format} is being built`);
};

const keyspaceSource = (source: KeyspaceSourceConfig, tools: Tools): KeyspaceSource => {
  const { store, metrics } = tools;
  const options = { ...source, reconcileEveryMs: source.reconcileEvery, canaryEveryMs: source.canaryEvery };
  return new KeyspaceSource(options, {
    ...servers(tools.config.redis.url, tools),
    published: (name) => store.published(name),
    logger: tools.logger.child({ source: source.name }),
    metrics: metrics.source(source.name),
    onSent: metrics.kafkaProduceSeconds,
  });
};

const sinkNeeds = (sink: SinkConfig, tools: Tools) => ({
  ...servers(sink.redis.url, tools),
  logger: tools.logger.child({ sink: sink.name }),
  metrics: tools.metrics.sink(sink.name),
});

/** @param url of the Redis. */
const servers = (url: string, { config, clock, metrics }: Tools) => ({
  redis: connectRedis({ url, name: config.kafka.clientId, clock, metrics: metrics.redis }),
  kafka: connectKafka(config.kafka),
  clock,
  randomId: randomUUID,
});
