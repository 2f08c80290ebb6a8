import type { Clock } from '../../core/clock.ts';
import { KeyferryError } from '../../core/errors.ts';
import type { RedisAccess } from './access.ts';
import type { RedisAddress } from './address.ts';
import { ClusterScout } from './cluster/cluster-scout.ts';
import type { DialOptions, Line } from './dial.ts';
import type { Deployment } from './dial-master.ts';
import { type Dial, dialerFor } from './dialer.ts';
import { fixedTopology } from './fixed-topology.ts';
import { send } from './send.ts';
import { SentinelScout } from './sentinel/sentinel-scout.ts';
import { readRole } from './sentinel/role.ts';
import { TopologyWatch } from './topology-watch.ts';

/** How often the nodes of a cluster are asked how it stands, beside each hint. */
const CLUSTER_EVERY_MS = 1_000;
/** How often sentinels are asked who the master is, and the master whether it agrees. */
const SENTINELS_EVERY_MS = 500;

export const standalone = (address: RedisAddress, access: RedisAccess): Deployment => ({
  topology: () => fixedTopology(address),
  dial: dialerFor(access),
  // What it calls itself is its user's business: a replica may be read as well.
  confirm: () => Promise.resolve(),
});

export interface SentinelOptions {
  readonly sentinels: readonly RedisAddress[];
  readonly masterName: string;
  /** To the sentinels and to the servers they watch. */
  readonly sentinelAccess: RedisAccess;
  readonly access: RedisAccess;
  readonly clientName: string;
  readonly clock: Clock;
}

type DialExtra = Pick<DialOptions, 'previous' | 'signal'>;

/** For those connections that only ask who the masters are. */
const scoutDial =
  (dial: Dial, clientName: string) =>
  (to: RedisAddress, extra: DialExtra): Promise<Line> =>
    dial(to, { ...extra, db: 0, clientName: `${clientName}:topology` });

export const behindSentinels = (options: SentinelOptions): Deployment => {
  const { sentinelAccess, access, clientName, clock } = options;
  const dialSentinel = dialerFor(sentinelAccess);
  const dial = dialerFor(access);
  const watch = new TopologyWatch({
    scout: () =>
      new SentinelScout({
        ...options,
        dialSentinel: scoutDial(dialSentinel, clientName),
        dialMaster: scoutDial(dial, clientName),
      }),
    everyMs: SENTINELS_EVERY_MS,
    clock,
  });
  return {
    topology: () => watch.open(),
    dial,
    // A demoted master goes on answering: it must say itself that it is one.
    confirm: mustBeMaster,
  };
};

export interface ClusterOptions {
  readonly seeds: readonly RedisAddress[];
  readonly access: RedisAccess;
  readonly clientName: string;
  readonly clock: Clock;
}

export const inCluster = ({ seeds, access, clientName, clock }: ClusterOptions): Deployment => {
  const dial = dialerFor(access);
  const watch = new TopologyWatch({
    scout: () => new ClusterScout({ seeds, dial: scoutDial(dial, clientName), clock }),
    everyMs: CLUSTER_EVERY_MS,
    clock,
  });
  return {
    topology: () => watch.open(),
    dial,
    confirm: async (line, master) => {
      const id = String(await send(line.redis, line.address, 'CLUSTER', ['MYID']));
      if (id !== master.id) {
        // Addresses are given to other servers: in a Kubernetes cluster within minutes.
        throw new KeyferryError('KF_REDIS_UNAVAILABLE', `Redis at ${line.address} is another node than ${master.id}`);
      }
      await mustBeMaster(line);
    },
  };
};

const mustBeMaster = async ({ redis, address }: Line): Promise<void> => {
  const role = await readRole({ call: (name, ...args) => send(redis, address, name, args) });
  if (role === 'master') return;
  throw new KeyferryError('KF_REDIS_UNAVAILABLE', `Redis at ${address} is a ${role}, where a master was expected`);
};
