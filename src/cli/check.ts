import { type KafkaConnection, connectKafka } from '../clients/kafka/connect.ts';
import { type RedisSettings, connectRedis } from '../clients/redis/connect.ts';
import { readOrigin } from '../clients/redis/origin.ts';
import type { Clock } from '../core/clock.ts';
import { KeyferryError } from '../core/errors.ts';
import { PATIENCE_MS } from './checks/answer.ts';
import { type Finding, failure, line, ok, runChecks } from './checks/finding.ts';
import type { CheckedEvents } from './checks/broker-settings.ts';
import { type CheckedSink, type CheckedSource, KAFKA_CHECKS } from './checks/kafka-checks.ts';
import { checkDeployment } from './checks/deployment.ts';
import { type NeedyLists, type NeedyStreams, eventNeeds } from './checks/event-needs.ts';
import { type NeedyKeyspace, keyspaceNeeds } from './checks/keyspace-needs.ts';
import { CONNECTION, type Need, type NeedyRest, TOPOLOGIES, restNeeds } from './checks/redis-needs.ts';
import { type NeedySink, sinkNeeds } from './checks/sink-needs.ts';
import { sharedTopics } from './checks/topic-claims.ts';
import { EXIT, type ExitStatus } from './exit-status.ts';

/** What of the configuration is checked; structurally, the configuration. */
export interface CheckedConfig {
  readonly redis: RedisSettings;
  readonly kafka: KafkaConnection;
  readonly sources: readonly (CheckedSource & NeedyKeyspace)[];
  /** Sources of streams and lists. */
  readonly events?: readonly (CheckedEvents & (NeedyStreams | NeedyLists))[];
  readonly sinks: readonly (CheckedSink & NeedySink & { readonly database: number; readonly redis: RedisSettings })[];
  /** Absent, or not enabled: applications do not use Redis through us. */
  readonly rest?: NeedyRest & { readonly enabled: boolean; readonly database: number };
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
  const origins = new Map<string, string | undefined>();
  for (const server of redisServers(options.config)) tell(await checkRedis(server, origins, options));
  tell(await checkKafka(origins, options));
  const count = (level: Finding['level']): number => findings.filter((finding) => finding.level === level).length;
  options.out(`${count('FAIL')} failed, ${count('warn')} to look at`);
  if (findings.some(({ outOfReach }) => outOfReach)) return EXIT.outOfReach;
  return count('FAIL') > 0 ? EXIT.failed : EXIT.fine;
};

/** What a server is used for. */
interface RedisServer extends Pick<CheckedConfig, 'sources' | 'sinks'> {
  readonly settings: RedisSettings;
  readonly events: NonNullable<CheckedConfig['events']>;
  readonly rest: CheckedConfig['rest'];
}

/** A server that serves sources and sinks, by one user, is checked once. REST alone has no use for one. */
const redisServers = ({ redis, sources, events = [], sinks, rest }: CheckedConfig): readonly RedisServer[] => {
  const users = sources.length + events.length > 0 ? [redis] : [];
  const servers = new Map([...users, ...sinks.map((sink) => sink.redis)].map((each) => [identityOf(each), each]));
  return [...servers].map(([identity, settings]) => {
    const isMain = identity === identityOf(redis);
    return {
      settings: isMain ? redis : settings,
      sources: isMain ? sources : [],
      events: isMain ? events : [],
      sinks: sinks.filter((sink) => identityOf(sink.redis) === identity),
      rest: isMain && rest?.enabled === true ? rest : undefined,
    };
  });
};

/** The servers and the user, whatever the database. */
const identityOf = ({ url, topology = 'standalone', nodes = [] }: RedisSettings): string => {
  const server = new URL(url);
  server.pathname = '';
  return [topology, ...nodes, server.href].join(' ');
};

/** Each once, although several sources or sinks have it. */
const needsOf = ({ settings, sources, events, sinks, rest }: RedisServer): readonly Need[] => {
  const needs = [
    ...CONNECTION,
    ...TOPOLOGIES[settings.topology ?? 'standalone'],
    ...sources.flatMap(keyspaceNeeds),
    ...events.flatMap(eventNeeds),
    ...sinks.flatMap(sinkNeeds),
    ...(rest === undefined ? [] : restNeeds(rest)),
  ];
  return [...new Map(needs.map((need) => [JSON.stringify(need), need])).values()];
};

const checkRedis = async (
  server: RedisServer,
  origins: Map<string, string | undefined>,
  { config, clock }: CheckOptions,
): Promise<readonly Finding[]> => {
  const { settings, sources, events, sinks, rest } = server;
  const client = connectRedis({ ...settings, name: `${config.kafka.clientId}-check`, clock });
  const connection = client.connect({ db: 0, name: 'check' });
  const watched = sources.flatMap(({ databases }) => databases);
  const others = [...events, ...sinks, ...(rest === undefined ? [] : [rest])].map(({ database }) => database);
  const uses = {
    needs: needsOf(server),
    watched: [...new Set(watched)],
    manages: sources.some(({ notifications }) => notifications === 'manage'),
    used: [...new Set([...watched, ...others])],
  };
  try {
    const findings = await checkDeployment({ settings, client, uses, clock });
    const reading = connection.ready().then(() => readOrigin(connection));
    await reading.then(
      (origin) => {
        for (const { name } of sources) origins.set(name, origin);
      },
      () => undefined,
    );
    return findings;
  } finally {
    await connection.close();
  }
};

const checkKafka = async (
  origins: ReadonlyMap<string, string | undefined>,
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
    return [failure(subject, error, 'see the words of Kafka'), ...sharedTopics(sources, [], events)];
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
