import { join } from 'node:path';
import { RedisCluster } from '../../../test/support/redis-cluster.ts';
import { addressOf, killMaster, mastersOf } from '../../failover.ts';
import type { Bench, Scenario } from '../bench.ts';
import { type Daemon, startDaemon } from '../daemon.ts';
import { benchmarkWrites, saturate, writeClusterString } from '../load.ts';
import { settled } from '../mirror.ts';
import type { Figure } from '../report.ts';
import { type Topic, createTopic } from '../topic.ts';

const KEYS = 300_000;
const NAME = 'cluster';
/** Shorter than that of the tests, which are not to fail over because the machine was slow. */
const NODE_TIMEOUT_MS = 2_000;

interface Loaded {
  readonly servers: RedisCluster;
  readonly topic: Topic;
  readonly daemon: Daemon;
}

/** Three masters with a replica each; afterwards one is killed, with nothing else being written. */
export const cluster: Scenario = {
  id: 'j',
  title: 'a cluster of three masters: changes/s, and a master killed',
  run: async (bench) => {
    // The keys of a run are mirrored in memory, and nothing is to be lost with a master but what it had not passed on.
    const servers = await RedisCluster.start(bench.provider, {
      args: [
        ...['--client-output-buffer-limit', 'pubsub', '0', '0', '0'],
        ...['--cluster-node-timeout', String(NODE_TIMEOUT_MS)],
      ],
    });
    const count = bench.scaled(KEYS);
    const writer = await benchmarkWrites({ ...servers.node(0), isCluster: true }, writeClusterString(0), count);
    for (const { admin } of await mastersOf(servers)) await admin.call('FLUSHALL');
    const topic = await createTopic(bench.outside, `bench-${NAME}-${Date.now()}`);
    const daemon = await startDaemon(bench.dir, NAME, {
      redis: { topology: 'cluster', nodes: servers.seeds },
      kafka: { brokers: bench.kafka.brokers, client: bench.client },
      sources: [{ name: NAME, type: 'keyspace', topic: topic.name }],
      state: { path: join(bench.dir, `${NAME}-state`) },
    });
    try {
      const loaded = { servers, topic, daemon };
      const perSecond = await load(loaded, count);
      return [sustained(perSecond, writer), ...(await failover(loaded, bench))];
    } finally {
      await daemon.stop();
      await topic.close();
      await servers.kill();
    }
  },
};

const load = async ({ servers, topic, daemon }: Loaded, count: number): Promise<number> => {
  const start = performance.now();
  const redis = { ...servers.node(0), isCluster: true };
  await saturate({ redis, write: writeClusterString, count, published: () => topic.recordCount() });
  await settled({ daemon }, NAME);
  return (await topic.recordCount()) / ((performance.now() - start) / 1000);
};

const sustained = (perSecond: number, writer: number): Figure => ({
  scenario: 'j',
  what: 'cluster of three masters, sustained',
  value: perSecond,
  unit: 'changes/s',
  limits: [{ what: 'redis-benchmark --cluster alone', value: writer, unit: 'changes/s' }],
});

const failover = async ({ servers, topic, daemon }: Loaded, bench: Bench): Promise<readonly Figure[]> => {
  await servers.isUp();
  const before = await topic.recordCount();
  const [master] = await mastersOf(servers);
  if (master === undefined) throw new Error('the cluster has no master');
  const { feedUpMs, gapMs, successor } = await killMaster(master, `http://127.0.0.1:${daemon.port}`);
  bench.say(`${addressOf(master)} was killed, ${successor} took over`);
  await settled({ daemon }, NAME);
  const resent = (await topic.recordCount()) - before;
  const { keys, lost } = await topic.compare(...(await mastersOf(servers)).map(({ url }) => url));
  const figure = (what: string, value: number, unit: string): Figure => ({
    scenario: 'j',
    what,
    value,
    unit,
    limits: [],
  });
  return [
    {
      ...figure('master killed, until the feed of the new one is up', feedUpMs, 'ms'),
      limits: [{ what: 'cluster-node-timeout of the nodes', value: NODE_TIMEOUT_MS, unit: 'ms' }],
    },
    figure('master killed, gap of its slots', gapMs, 'ms'),
    figure(`master killed, records sent again, of ${keys} keys`, resent, 'records'),
    { ...figure('master killed, lost', lost, 'keys'), target: { atMost: 0 } },
  ];
};
