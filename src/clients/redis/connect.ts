import { type Clock, systemClock } from '../../core/clock.ts';
import { KeyferryError } from '../../core/errors.ts';
import type { RedisMetrics } from '../../observability/metrics.ts';
import type { RedisAccess, RedisTls } from './access.ts';
import { type RedisAddress, parseAddress, parseRedisUrl } from './address.ts';
import { ClusterConnection } from './cluster/cluster-connection.ts';
import { ReconnectingConnection } from './connection.ts';
import { behindSentinels, inCluster, standalone } from './deployments.ts';
import type { DialOptions, Line } from './dial.ts';
import { type Choice, type Deployment, dialMaster, leaveWithOffice, sameAs, theOnly } from './dial-master.ts';
import { metered } from './metered.ts';
import type { ConnectOptions, RedisClient, RedisConnection, RedisSubscription, SubscriptionHandler } from './port.ts';
import { openSubscription } from './subscription.ts';

/** Where Redis is, and how to get in; structurally, the configuration. */
export interface RedisSettings {
  /**
   * `redis://user:password@host:port`, or `rediss:` for TLS. A database in it is ignored: connections name theirs. Behind
   * sentinels and in a cluster, host and port are ignored too: `nodes` has them.
   */
  readonly url: string;
  /** In place of the URL's password; read again for each connection. */
  readonly passwordFile?: string | undefined;
  readonly tls?: (RedisTls & { readonly enabled: boolean }) | undefined;
  /** Absent: standalone. */
  readonly topology?: 'standalone' | 'sentinel' | 'cluster' | undefined;
  /** host:port of the sentinels, or of some nodes of the cluster. */
  readonly nodes?: readonly string[] | undefined;
  /** The name by which the sentinels know the master. */
  readonly sentinelName?: string | undefined;
  readonly sentinelUsername?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  readonly sentinelPasswordFile?: string | undefined;
}

export interface RedisClientOptions extends RedisSettings {
  /** How this daemon calls itself in CLIENT LIST; each connection appends its own name. */
  readonly name: string;
  readonly clock?: Clock;
  readonly metrics?: RedisMetrics;
}

/**
 * The Redis client on ioredis, which stays behind the port: one ioredis instance lives for one connection, so that
 * reconnecting, handshake and error mapping are ours.
 * @throws KF_CONFIG_INVALID when the URL is none.
 */
export const connectRedis = (options: RedisClientOptions): RedisClient => {
  const { topology = 'standalone', clock = systemClock, metrics } = options;
  const tools: Tools = { deployment: deploymentOf(options, clock), clientName: options.name, clock };
  const measured = (connection: RedisConnection): RedisConnection =>
    metrics === undefined ? connection : metered(connection, metrics, clock);
  const isCluster = topology === 'cluster';
  return {
    isCluster,
    connect: (to) => measured(isCluster ? connectToAll(to, tools) : connectToOne(theOnly, to, tools)),
    subscribe: (patterns, handler) =>
      isCluster ? Promise.reject(noSinglePlace()) : subscribeToOne(theOnly, { patterns, handler }, tools),
    topology: () => tools.deployment.topology(),
    connectNode: (master, to) => measured(connectToOne(sameAs(master), to, tools)),
    subscribeNode: (master, patterns, handler) => subscribeToOne(sameAs(master), { patterns, handler }, tools),
  };
};

interface Tools {
  readonly deployment: Deployment;
  readonly clientName: string;
  readonly clock: Clock;
}

const connectToOne = (choose: Choice, { name, ...to }: ConnectOptions, tools: Tools): RedisConnection => {
  const { deployment, clientName, clock } = tools;
  const topology = deployment.topology();
  return new ReconnectingConnection({
    dial: (extra) => dialMaster(deployment, topology, choose, { ...extra, ...to, clientName: `${clientName}:${name}` }),
    clock,
    onHint: (retry) => topology.onChange(retry),
    onClosed: () => {
      topology.close();
    },
  });
};

const connectToAll = (
  { db, name, forOthers }: ConnectOptions,
  { deployment, clientName, clock }: Tools,
): RedisConnection => {
  if (db !== 0) throw new KeyferryError('KF_CONFIG_INVALID', `A Redis Cluster has database 0 only, and no ${db}`);
  const topology = deployment.topology();
  const dial = async (to: RedisAddress, extra: Pick<DialOptions, 'previous' | 'signal'>): Promise<Line> => {
    const line = await deployment.dial(to, { ...extra, db, forOthers, clientName: `${clientName}:${name}` });
    leaveWithOffice(line, to, topology);
    return line;
  };
  return new ClusterConnection(
    topology,
    (to) => new ReconnectingConnection({ dial: (extra) => dial(to, extra), clock }),
  );
};

const subscribeToOne = async (
  choose: Choice,
  { patterns, handler }: { readonly patterns: readonly string[]; readonly handler: SubscriptionHandler },
  { deployment, clientName }: Tools,
): Promise<RedisSubscription> => {
  const topology = deployment.topology();
  const close = (): void => {
    topology.close();
  };
  try {
    const dial = (): Promise<Line> =>
      dialMaster(deployment, topology, choose, { db: 0, clientName: `${clientName}:feed` });
    const subscription = await openSubscription(dial, patterns, handler);
    void subscription.lost.then(close);
    return subscription;
  } catch (error) {
    close();
    throw error;
  }
};

const noSinglePlace = (): KeyferryError =>
  new KeyferryError('KF_REDIS_REFUSED', 'In a cluster each master tells of its own keys: subscribe to each of them');

const deploymentOf = (options: RedisClientOptions, clock: Clock): Deployment => {
  const { topology = 'standalone', nodes = [], name: clientName } = options;
  const access = accessOf(options);
  if (topology === 'standalone') return standalone(parseRedisUrl(options.url), access);
  if (nodes.length === 0)
    throw new KeyferryError('KF_CONFIG_INVALID', `redis.nodes is empty: a ${topology} needs some`);
  const addresses = nodes.map(parseAddress);
  if (topology === 'cluster') return inCluster({ seeds: addresses, access, clientName, clock });
  return behindSentinels({
    sentinels: addresses,
    masterName: options.sentinelName ?? 'mymaster',
    sentinelAccess: {
      username: options.sentinelUsername ?? '',
      password: options.sentinelPassword ?? '',
      passwordFile: options.sentinelPasswordFile,
      tls: access.tls,
    },
    access,
    clientName,
    clock,
  });
};

const accessOf = ({ url, passwordFile, tls }: RedisClientOptions): RedisAccess => {
  const { username, password, tls: secured } = parseRedisUrl(url);
  return { username, password, passwordFile, tls: secured || tls?.enabled === true ? (tls ?? {}) : undefined };
};
