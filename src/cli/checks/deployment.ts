import { addressText, parseAddress } from '../../clients/redis/address.ts';
import { readView } from '../../clients/redis/cluster/cluster-view.ts';
import { type RedisSettings, connectRedis } from '../../clients/redis/connect.ts';
import { SLOT_COUNT } from '../../clients/redis/fixed-topology.ts';
import type { RedisClient, RedisConnection, RedisMaster, RedisTopology } from '../../clients/redis/port.ts';
import { readNews } from '../../clients/redis/sentinel/master-news.ts';
import { hasSlot } from '../../clients/redis/slot-ranges.ts';
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { answer, untilAnswered } from './answer.ts';
import { type Finding, fail, failure, ok, runChecks, warn } from './finding.ts';
import { REDIS_CHECKS, type RedisContext } from './redis-checks.ts';

/** A Redis of one server or of several. */
export interface CheckedDeployment {
  readonly settings: RedisSettings;
  readonly client: RedisClient;
  /** What the configuration does with it. */
  readonly uses: Pick<RedisContext, 'needs' | 'watched' | 'manages' | 'used'>;
  readonly clock: Clock;
}

/** `redis 127.0.0.1:6379`, `redis mymaster`, `redis cluster` */
export const subjectOf = ({ url, topology, sentinelName = 'mymaster' }: RedisSettings): string => {
  if (topology === 'cluster') return 'redis cluster';
  return `redis ${topology === 'sentinel' ? sentinelName : new URL(url).host}`;
};

/** Each master by itself, and what concerns all of them. One that is away is named, and does not hide the others. */
export const checkDeployment = async (deployment: CheckedDeployment): Promise<readonly Finding[]> => {
  const { client, settings, clock } = deployment;
  const subject = subjectOf(settings);
  const findings = settings.topology === 'sentinel' ? [...(await sentinelFindings(deployment))] : [];
  const topology = client.topology();
  try {
    const masters = await untilAnswered(() => mastersOf(topology), clock);
    if (masters.length === 0)
      findings.push(fail(subject, 'has no master that says it is one', 'see the log of the sentinels'));
    if (client.isCluster) findings.push(...slotFindings(subject, masters));
    for (const master of masters) findings.push(...(await checkMaster(master, deployment)));
    if (client.isCluster) findings.push(...(await replicaFindings(masters, deployment)));
  } catch (error) {
    findings.push(failure(subject, error, 'see the words of Redis'));
  } finally {
    topology.close();
  }
  return findings;
};

const mastersOf = async (topology: RedisTopology): Promise<readonly RedisMaster[]> => {
  await topology.ready();
  return topology.masters;
};

const checkMaster = (master: RedisMaster, deployment: CheckedDeployment): Promise<readonly Finding[]> =>
  onNode(master, deployment, async (subject, connection) => {
    const { client, uses } = deployment;
    const state = client.isCluster ? await stateFindings(subject, connection) : [];
    const here: RedisContext['client'] = {
      isCluster: client.isCluster,
      subscribe: (patterns, handler) => client.subscribeNode(master, patterns, handler),
    };
    return [...state, ...(await runChecks(REDIS_CHECKS, { ...uses, subject, connection, client: here }))];
  });

const onNode = async (
  master: RedisMaster,
  { client, clock }: CheckedDeployment,
  look: (subject: string, connection: RedisConnection) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> => {
  const subject = `redis ${addressText(master)}`;
  const connection = client.connectNode(master, { db: 0, name: 'check' });
  try {
    await answer(connection, clock);
    return await look(subject, connection);
  } catch (error) {
    return [failure(subject, error, 'see the words of Redis')];
  } finally {
    await connection.close();
  }
};

const stateFindings = async (subject: string, connection: RedisConnection): Promise<readonly Finding[]> => {
  const info = String(await connection.call('CLUSTER', 'INFO').catch(() => ''));
  const [, state = 'ok'] = /^cluster_state:(\w+)/m.exec(info) ?? [];
  if (state === 'ok') return [];
  return [fail(subject, `says that the cluster is down (cluster_state:${state})`, 'see redis-cli --cluster check')];
};

/** Of a cluster. */
export const slotFindings = (subject: string, masters: readonly RedisMaster[]): readonly Finding[] => {
  const ranges: string[] = [];
  const isCovered = (slot: number): boolean => masters.some(({ slots }) => hasSlot(slots, slot));
  for (let slot = 0; slot < SLOT_COUNT; slot += 1) {
    if (isCovered(slot)) continue;
    const first = slot;
    while (slot + 1 < SLOT_COUNT && !isCovered(slot + 1)) slot += 1;
    ranges.push(first === slot ? String(slot) : `${first}-${slot}`);
  }
  if (ranges.length === 0) return [ok(subject, `${masters.length} masters have all slots`)];
  const what = `has no master for the slots ${ranges.join(', ')}: their keys can be neither read nor written`;
  return [fail(subject, what, 'bring back the node that had them, or see redis-cli --cluster fix')];
};

/** Nodes that the cluster has given up, and that are masters of no slot: nobody else would name them. */
const replicaFindings = async (
  masters: readonly RedisMaster[],
  deployment: CheckedDeployment,
): Promise<readonly Finding[]> => {
  for (const master of masters) {
    const findings = await onNode(master, deployment, async (_, connection) => {
      const { nodes } = await readView(connection, master);
      const away = nodes.filter(({ id, isHealthy }) => !isHealthy && masters.every((each) => each.id !== id));
      return away.map((node) =>
        warn(
          `redis ${addressText(node)}`,
          'is away, as the cluster says, and has no slots',
          'start it, or CLUSTER FORGET it',
        ),
      );
    });
    if (!findings.some(({ outOfReach }) => outOfReach)) return findings;
  }
  return [];
};

/** Each sentinel by itself: one that is away, or knows another name, is missed only when it is needed. */
const sentinelFindings = async ({ settings, clock }: CheckedDeployment): Promise<readonly Finding[]> => {
  const { nodes = [], sentinelName: name = 'mymaster', tls, sentinelUsername, sentinelPassword } = settings;
  const isSecure = tls?.enabled === true || settings.url.startsWith('rediss:');
  const perSentinel = nodes.map(async (node): Promise<Finding> => {
    const url = new URL(`${isSecure ? 'rediss' : 'redis'}://${addressText(parseAddress(node))}`);
    url.username = encodeURIComponent(sentinelUsername ?? '');
    url.password = encodeURIComponent(sentinelPassword ?? '');
    const passwordFile = settings.sentinelPasswordFile;
    const client = connectRedis({ url: url.href, passwordFile, tls, name: 'keyferry-check', clock });
    const connection = client.connect({ db: 0, name: 'check' });
    const subject = `sentinel ${node}`;
    try {
      await answer(connection, clock);
      const news = await readNews(connection, name);
      if (news !== undefined) return ok(subject, `says that the master is ${addressText(news.address)}`);
      return fail(subject, `watches no master "${name}"`, 'correct redis.sentinelName');
    } catch (error) {
      return warn(subject, `does not help: ${messageOf(error)}`, 'start it, or correct redis.nodes');
    } finally {
      await connection.close();
    }
  });
  return Promise.all(perSentinel);
};
