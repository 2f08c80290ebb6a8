import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { eventually } from '../support/eventually.ts';
import { type Absences, absencesDuring } from './absences.ts';
import type { Namespace, Pod } from './kubernetes.ts';

const PORT = 6379;
const SELECTOR = 'app.kubernetes.io/component=redis,app.kubernetes.io/name=keyferry';

export interface RedisMaster {
  readonly pod: Pod;
  readonly redis: Redis;
}

export interface RedisLogin {
  readonly password: string;
  /** Names in certificates are of no use here: pods are reached by their addresses. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
}

/** The Redis of a release, seen from outside of the cluster: by the addresses of its pods. */
export class RedisPods {
  readonly #namespace: Namespace;
  readonly #options: RedisOptions;
  readonly #open: (Redis | Cluster)[] = [];

  constructor(namespace: Namespace, { password, tls }: RedisLogin) {
    this.#namespace = namespace;
    this.#options = { password, ...(tls && { tls: { ...tls, checkServerIdentity: () => undefined } }) };
  }

  /** With the password that the chart has made. */
  static async of(namespace: Namespace): Promise<RedisPods> {
    return new RedisPods(namespace, { password: await namespace.secret('keyferry-redis', 'redis-password') });
  }

  pods(): Promise<readonly Pod[]> {
    return this.#namespace.pods(SELECTOR);
  }

  /** What became of them while something went on. */
  absencesDuring(what: () => Promise<void>): Promise<Absences> {
    return absencesDuring(this.#namespace, SELECTOR, what);
  }

  /** A client that follows the cluster. Where that tells names, they are those of the pods that there are now. */
  async cluster(): Promise<Cluster> {
    const pods = await this.pods();
    const addressOf = ({ status }: Pod) => ({ host: status.podIP ?? '', port: PORT });
    const domain = `keyferry-redis-headless.${this.#namespace.name}.svc.cluster.local:${PORT}`;
    const cluster = new Cluster(pods.map(addressOf), {
      slotsRefreshInterval: 1_000,
      clusterRetryStrategy: () => 500,
      natMap: Object.fromEntries(pods.map((pod) => [`${pod.metadata.name}.${domain}`, addressOf(pod)])),
      redisOptions: { ...this.#options, maxRetriesPerRequest: 3 },
    });
    cluster.on('error', () => undefined);
    this.#open.push(cluster);
    return cluster;
  }

  connect(pod: Pod): Redis {
    const redis = new Redis({ ...this.#options, host: pod.status.podIP ?? '', maxRetriesPerRequest: 1 });
    redis.on('error', () => undefined);
    this.#open.push(redis);
    return redis;
  }

  /** Those that have slots, as the first that answers sees them: a master that came back may not know yet that it is none. */
  async masters(): Promise<readonly RedisMaster[]> {
    const pods = await this.pods();
    for (const pod of pods) {
      const redis = this.connect(pod);
      const nodes = String(await redis.cluster('NODES').catch(() => ''));
      redis.disconnect();
      const ips = nodes.split('\n').flatMap(masterIp);
      const masters = pods.filter(({ status }) => ips.includes(status.podIP ?? ''));
      if (masters.length > 0 && masters.length === ips.length) {
        return masters.map((each) => ({ pod: each, redis: this.connect(each) }));
      }
    }
    throw new Error('no pod of Redis tells where the slots are');
  }

  /** Waits until every pod sees a whole cluster with so many masters, and every replica follows one. */
  async isWhole(masters: number): Promise<void> {
    await eventually(
      async () => {
        for (const pod of await this.pods()) {
          const redis = this.connect(pod);
          try {
            const info = await redis.cluster('INFO');
            const replication = await redis.info('replication');
            if (!info.includes('cluster_state:ok') || !info.includes(`cluster_size:${masters}\r`))
              throw new Error(info);
            if (replication.includes('role:slave') && !replication.includes('master_link_status:up')) {
              throw new Error(`${pod.metadata.name}: ${replication}`);
            }
          } finally {
            redis.disconnect();
          }
        }
        return true;
      },
      { what: `a whole cluster of ${masters} masters`, timeoutMs: 300_000 },
    );
  }

  close(): void {
    for (const redis of this.#open.splice(0)) redis.disconnect();
  }
}

/** `id ip:port@bus,name flags master ping pong epoch link slots...`: the address of a master that has slots. */
const masterIp = (line: string): readonly string[] => {
  const [, address = '', flags = '', , , , , , slots] = line.split(' ');
  const isMaster = flags.split(',').includes('master') && !flags.includes('fail') && slots !== undefined;
  return isMaster ? [address.slice(0, address.lastIndexOf(':'))] : [];
};
