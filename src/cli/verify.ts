import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KafkaConnection, connectKafka } from '../clients/kafka/connect.ts';
import type { KafkaAdmin, TopicReader } from '../clients/kafka/port.ts';
import { slotOf } from '../clients/redis/cluster/slots.ts';
import { type RedisSettings, connectRedis } from '../clients/redis/connect.ts';
import { MasterConnections } from '../clients/redis/master-connections.ts';
import type { RedisClient } from '../clients/redis/port.ts';
import type { Clock } from '../core/clock.ts';
import type { RecordFormat } from '../core/key-record.ts';
import { createLogger } from '../observability/logger.ts';
import { KeyReader } from '../redis-to-kafka/converge/key-reader.ts';
import { scanKeys } from '../redis-to-kafka/converge/scan-keys.ts';
import { keyFilter } from '../redis-to-kafka/publish/key-filter.ts';
import { topicRoute } from '../redis-to-kafka/publish/routing.ts';
import { catchUp } from '../state-store/catch-up.ts';
import { LmdbStateStore } from '../state-store/lmdb-state-store.ts';
import { answer } from './checks/answer.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';
import { ComparisonProgress } from './terminal/comparison-progress.ts';
import type { LiveLine } from './terminal/live-line.ts';
import { keyText } from './verify/key-text.ts';
import { KeyspaceAudit, type Verdict } from './verify/keyspace-audit.ts';

interface VerifiedSource {
  readonly name: string;
  readonly databases: readonly number[];
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly topic: string;
  readonly format: RecordFormat;
  readonly maxValueBytes: number;
}

export interface VerifyOptions {
  /** Structurally, the configuration. */
  readonly config: {
    readonly redis: RedisSettings;
    readonly kafka: KafkaConnection;
    readonly sources: readonly VerifiedSource[];
  };
  readonly clock: Clock;
  /** A line for the operator. */
  readonly out: (line: string) => void;
  /** Keys printed of each kind, per database. */
  readonly limit: number;
  /** Shows how far it is; undefined: nobody watches. */
  readonly line?: LiveLine | undefined;
}

interface Servers {
  readonly redis: RedisClient;
  readonly admin: KafkaAdmin;
  readonly reader: TopicReader;
  /** What the topics hold goes to disk: it may be more than memory holds. */
  readonly store: LmdbStateStore;
}

/**
 * Compares what the topics of the sources hold with Redis, key by key, and prints what differs.
 * @throws as the reads of Redis and Kafka do.
 */
export const verify = async (options: VerifyOptions): Promise<ExitStatus> => {
  const { config, clock, out } = options;
  const name = `${config.kafka.clientId}-verify`;
  const driver = connectKafka({ ...config.kafka, clientId: name });
  const [admin, reader] = [driver.admin(), driver.reader()];
  const path = mkdtempSync(join(tmpdir(), 'keyferry-verify-'));
  const store = new LmdbStateStore({ path, clock });
  const redis = connectRedis({ ...config.redis, name, clock });
  try {
    let drifted = 0;
    for (const source of config.sources) {
      for (const db of source.databases) {
        drifted += await verifyKeyspace(source, db, { redis, admin, reader, store }, options);
      }
    }
    if (config.sources.length === 0) out('no sources: nothing to compare');
    return drifted > 0 ? EXIT.failed : EXIT.fine;
  } finally {
    await Promise.allSettled([admin.close(), reader.close(), store.close()]);
    rmSync(path, { recursive: true, force: true });
  }
};

/** @returns the number of keys that differ. */
const verifyKeyspace = async (
  source: VerifiedSource,
  db: number,
  { redis, admin, reader, store }: Servers,
  { clock, out, limit, line }: VerifyOptions,
): Promise<number> => {
  const counts: Record<Verdict, number> = { missing: 0, stale: 0, extra: 0, changing: 0 };
  const route = topicRoute(source.topic, source.name, db);
  const published = store.published(`${source.name}/${db}`);
  const logger = createLogger({ level: 'warn', format: 'pretty', destination: { write: out } });
  const connection = redis.connect({ db, name: source.name });
  const masters = new MasterConnections(redis, { db, name: source.name });
  const progress = new ComparisonProgress(`${source.name} db${db}`, { line, clock });
  try {
    await answer(connection, clock);
    const sizes = await Promise.all((await masters.all()).map(async (master) => Number(await master.call('DBSIZE'))));
    const audit = new KeyspaceAudit({
      ...source,
      topic: published,
      readOn: async () => {
        await catchUp({
          published,
          admin,
          reader,
          topics: { ...route, db },
          logger,
          onProgress: (records) => {
            progress.reading(records);
          },
        });
      },
      keys: new KeyReader({
        ...source,
        connection,
        connectionTo: (key) => masters.of(slotOf(key)) ?? connection,
      }),
      scan: async function* () {
        for (const master of await masters.all()) yield* scanKeys(master);
      },
      accepts: keyFilter(source.include, source.exclude),
      clock,
      onCompared: (keys) => {
        progress.compared(keys, published.count() + sizes.reduce((sum, size) => sum + size, 0));
      },
      onVerdict: (key, verdict) => {
        counts[verdict] += 1;
        if (counts[verdict] <= limit) out(`${verdict.padEnd(8)}  ${source.name}  db${db}  ${keyText(key)}`);
      },
    });
    const { keysInRedis, keysOnTopic } = await audit.run();
    const totals = Object.entries(counts).map(([verdict, count]) => `${count} ${verdict}`);
    out(`${source.name} db${db}: ${keysInRedis} keys in Redis, ${keysOnTopic} on the topic: ${totals.join(', ')}`);
    return counts.missing + counts.stale + counts.extra;
  } finally {
    progress.end();
    await Promise.all([connection.close(), masters.close()]);
  }
};
