import { type KafkaConnection, connectKafka } from '../clients/kafka/connect.ts';
import { type RedisSettings, connectRedis } from '../clients/redis/connect.ts';
import { readOrigin } from '../clients/redis/origin.ts';
import type { Clock } from '../core/clock.ts';
import { KeyferryError } from '../core/errors.ts';
import type { FlagsMode } from '../redis-to-kafka/feeds/notification-flags.ts';
import { PATIENCE_MS, answer } from './checks/answer.ts';
import { type Finding, failure, line, ok, runChecks } from './checks/finding.ts';
import type { CheckedEvents } from './checks/broker-settings.ts';
import { type CheckedSink, type CheckedSource, KAFKA_CHECKS } from './checks/kafka-checks.ts';
import { REDIS_CHECKS } from './checks/redis-checks.ts';
import { sharedTopics } from './checks/topic-claims.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';

/** What of the configuration is checked; structurally, the configuration. */
export interface CheckedConfig {
  readonly redis: RedisSettings;
  readonly kafka: KafkaConnection;
  readonly sources: readonly (CheckedSource & { readonly notifications: FlagsMode })[];
  /** Sources of streams and lists. */
  readonly events?: readonly CheckedEvents[];
  readonly sinks: readonly (CheckedSink & { readonly database: number; readonly redis: RedisSettings })[];
}

export interface CheckOptions {
  readonly config: CheckedConfig;
  readonly clock: Clock;
  /** A line for the operator. */
  readonly out: (line: string) => void;
}

/** Tries the configuration on the servers without changing anything, and tells every problem with what to do. */
export const check = async (options: CheckOptions): Promise<ExitStatus> => {
  const findings: Finding[] = [];
  const tell = (found: readonly Finding[]): void => {
    for (const finding of found) options.out(line(finding));
    findings.push(...found);
  };
  const origins = new Map<string, string>();
  for (const server of redisServers(options.config)) tell(await checkRedis(server, origins, options));
  tell(await checkKafka(origins, options));
  const count = (level: Finding['level']): number => findings.filter((finding) => finding.level === level).length;
  options.out(`${count('FAIL')} failed, ${count('warn')} to look at`);
  if (findings.some(({ outOfReach }) => outOfReach)) return EXIT.outOfReach;
  return count('FAIL') > 0 ? EXIT.failed : EXIT.fine;
};

interface RedisServer {
  readonly url: string;
  readonly settings: RedisSettings;
  readonly sources: CheckedConfig['sources'];
  readonly sinks: CheckedConfig['sinks'];
}

/** A server that serves sources and sinks, by one user, is checked once. */
const redisServers = ({ redis, sources, sinks }: CheckedConfig): readonly RedisServer[] => {
  const serverOf = (url: string): string => {
    const server = new URL(url);
    server.pathname = '';
    return server.href;
  };
  const users = sources.length > 0 ? [redis.url] : [];
  const urls = new Set([...users, ...sinks.map((sink) => sink.redis.url)].map(serverOf));
  return [...urls].map((url) => ({
    url,
    settings: [redis, ...sinks.map((sink) => sink.redis)].find((each) => serverOf(each.url) === url) ?? redis,
    sources: url === serverOf(redis.url) ? sources : [],
    sinks: sinks.filter((sink) => serverOf(sink.redis.url) === url),
  }));
};

const checkRedis = async (
  { url, settings, sources, sinks }: RedisServer,
  origins: Map<string, string>,
  { config, clock }: CheckOptions,
): Promise<readonly Finding[]> => {
  const subject = `redis ${new URL(url).host}`;
  const client = connectRedis({ ...settings, name: `${config.kafka.clientId}-check`, clock });
  const connection = client.connect({ db: 0, name: 'check' });
  try {
    await answer(connection, clock);
    const origin = await readOrigin(connection).catch(() => undefined);
    for (const { name } of sources) if (origin !== undefined) origins.set(name, origin);
    return await runChecks(REDIS_CHECKS, {
      subject,
      client,
      connection,
      watched: [...new Set(sources.flatMap(({ databases }) => databases))],
      manages: sources.some(({ notifications }) => notifications === 'manage'),
      written: [...new Set(sinks.map(({ database }) => database))],
    });
  } catch (error) {
    return [failure(subject, error, 'see the words of Redis')];
  } finally {
    await connection.close();
  }
};

const checkKafka = async (
  origins: ReadonlyMap<string, string>,
  { config, clock }: CheckOptions,
): Promise<readonly Finding[]> => {
  const { sources, sinks, events = [], kafka: connection } = config;
  const subject = `kafka ${config.kafka.brokers.join(',')}`;
  const driver = connectKafka(connection);
  const [admin, reader] = [driver.admin(), driver.reader()];
  try {
    const existing = await within(PATIENCE_MS, clock, subject, admin.topics());
    const context = { subject, admin, reader, existing, sources, events, sinks, connection, origins };
    return [ok(subject, 'answers'), ...(await runChecks(KAFKA_CHECKS, context))];
  } catch (error) {
    // What needs no Kafka is told all the same.
    return [failure(subject, error, 'see the words of Kafka'), ...sharedTopics(sources, [])];
  } finally {
    await Promise.allSettled([admin.close(), reader.close()]);
  }
};

const within = async <T>(ms: number, clock: Clock, subject: string, promise: Promise<T>): Promise<T> => {
  const settled = new AbortController();
  const overdue = clock.sleep(ms, settled.signal).then(() => {
    throw new KeyferryError('KF_KAFKA_UNAVAILABLE', `${subject} did not answer within ${ms / 1000} s`);
  });
  try {
    return await Promise.race([promise, overdue]);
  } finally {
    overdue.catch(() => undefined);
    settled.abort();
  }
};
