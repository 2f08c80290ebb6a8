import { eventually } from '../test/support/eventually.ts';
import type { ClusterServer, RedisCluster } from '../test/support/redis-cluster.ts';

const TIMEOUT_MS = 180_000;
const CAUSE = 'master-changed';

/** What became of a master that was killed, as /api/v1/status tells it. */
export interface Failover {
  /** host:port */
  readonly successor: string;
  /** From the SIGKILL until the feed of the new master is up. */
  readonly feedUpMs: number;
  /** From the new master's sight until all of its keys have been compared and published. */
  readonly gapMs: number;
  /** From the SIGKILL until then. */
  readonly closedMs: number;
}

/** What is told while it happens. */
export interface FailoverEvents {
  readonly fed?: (successor: string, sinceMs: number) => void;
  readonly closed?: (gapMs: number, sinceMs: number) => void;
}

interface Status {
  readonly sources: readonly {
    readonly masters: readonly { readonly address: string; readonly feed: string; readonly slots: number }[];
    readonly databases: readonly {
      readonly gapsOpen: readonly { readonly scope: string }[];
      readonly gapsClosed: readonly {
        readonly cause: string;
        readonly scope: string;
        readonly openedAt: number;
        readonly closedAt: number;
      }[];
    }[];
  }[];
}

export const addressOf = ({ host, port }: Pick<ClusterServer, 'host' | 'port'>): string => `${host}:${port}`;

/** Those that call themselves masters, in the order of the nodes. */
export const mastersOf = async ({ nodes }: RedisCluster): Promise<readonly ClusterServer[]> => {
  const roles = await Promise.all(nodes.map(({ admin }) => admin.call('ROLE').then(String, () => 'away')));
  return nodes.filter((_, at) => roles[at]?.startsWith('master'));
};

/** Kills a master and follows the daemon until it is over. @param url of the daemon. */
export const killMaster = async (
  master: ClusterServer,
  url: string,
  { fed, closed }: FailoverEvents = {},
): Promise<Failover> => {
  const known = new Set((await sourceOf(url)).masters.map(({ address }) => address));
  const start = performance.now();
  await master.kill();
  const successor = await eventually(
    async () => {
      const { masters } = await sourceOf(url);
      return (
        masters.find(({ address, feed, slots }) => !known.has(address) && feed === 'up' && slots > 0)?.address ?? null
      );
    },
    { timeoutMs: TIMEOUT_MS, what: 'the feed of the new master' },
  );
  const feedUpMs = performance.now() - start;
  fed?.(successor, feedUpMs);
  const gap = await eventually(
    async () => {
      const [database] = (await sourceOf(url)).databases;
      if (database === undefined || database.gapsOpen.length > 0) return null;
      return database.gapsClosed.find(({ cause, scope }) => cause === CAUSE && scope.includes(successor)) ?? null;
    },
    { timeoutMs: TIMEOUT_MS, what: 'the gap to be closed' },
  );
  const closedMs = performance.now() - start;
  const gapMs = gap.closedAt - gap.openedAt;
  closed?.(gapMs, closedMs);
  return { successor, feedUpMs, gapMs, closedMs };
};

const sourceOf = async (url: string): Promise<Status['sources'][number]> => {
  const { sources } = (await (await fetch(`${url}/api/v1/status`)).json()) as Status;
  const [source] = sources;
  if (source === undefined) throw new Error('the daemon has no source');
  return source;
};
