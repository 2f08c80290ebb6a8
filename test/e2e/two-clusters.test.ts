import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cluster, Redis } from 'ioredis';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { parse } from 'yaml';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { stackProvider } from '../support/provider.ts';
import { RedisCluster } from '../support/redis-cluster.ts';
import { Workload } from '../support/workload.ts';

const EXAMPLES = join(import.meta.dirname, '../../helm/keyferry/examples/two-clusters');

interface Example {
  readonly config: {
    readonly sources?: readonly { readonly topic: string }[];
    readonly sinks?: readonly {
      readonly topics: readonly string[];
      readonly group: string;
      readonly deadLetter: string;
    }[];
  };
}

/** The configuration of a release of docs/two-clusters.md, on the servers of the test and with topics of its own. */
const exampleConfig = (name: 'source' | 'sink', servers: RedisCluster, run: string): object => {
  const { config } = parse(readFileSync(join(EXAMPLES, `${name}-values.yaml`), 'utf8')) as Example;
  const { sources = [], sinks = [] } = config;
  return {
    redis: { topology: 'cluster', nodes: servers.seeds },
    kafka: { brokers: [...inject('kafkaBrokers')] },
    sources: sources.map((source) => ({ ...source, topic: `${run}.${source.topic}`, canaryEvery: '1s' })),
    sinks: sinks.map((sink) => ({
      ...sink,
      topics: sink.topics.map((topic) => `${run}.${topic}`),
      group: `${run}.${sink.group}`,
      deadLetter: `${run}.${sink.deadLetter}`,
    })),
  };
};

/** What each key holds, and when it expires, by the key; Keyferry's own are left out. */
const contentsOf = async ({ nodes }: RedisCluster): Promise<Readonly<Record<string, string>>> => {
  const contents: Record<string, string> = {};
  for (const { url } of nodes) {
    const redis = new Redis(url, { retryStrategy: () => null, lazyConnect: true });
    redis.on('error', () => undefined);
    try {
      const isThere = await redis.connect().then(
        () => true,
        () => false,
      );
      if (!isThere || (await redis.role())[0] !== 'master') continue;
      for (const key of await redis.keys('*')) {
        if (key.startsWith('__keyferry__:')) continue;
        const expiresAt = await redis.pexpiretime(key);
        // Servers dump equal sets in orders of their own.
        const isSet = (await redis.type(key)) === 'set';
        const content = isSet
          ? (await redis.smembers(key)).sort().join()
          : ((await redis.dumpBuffer(key)) as Buffer | null)?.toString('hex');
        // Undefined: it has expired meanwhile.
        if (content !== undefined) contents[key] = `${content} until ${expiresAt}`;
      }
    } finally {
      redis.disconnect();
    }
  }
  return contents;
};

describe('a copy in another cluster', () => {
  const endings: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
  });

  const startCluster = async (replicas: number): Promise<RedisCluster> => {
    const servers = await RedisCluster.start(await stackProvider(), { replicas });
    endings.push(() => servers.kill());
    return servers;
  };
  const startDaemon = async (config: object): Promise<Daemon> => {
    const daemon = await Daemon.create(config);
    endings.push(() => daemon.dispose());
    await daemon.start();
    return daemon;
  };

  test('comes to equal the original, whose master is killed meanwhile', async () => {
    const run = crypto.randomUUID();
    const original = await startCluster(1);
    const copy = await startCluster(0);
    const redis = new Cluster(
      original.nodes.map(({ host, port }) => ({ host, port })),
      { clusterRetryStrategy: () => 100, redisOptions: { maxRetriesPerRequest: 3 } },
    );
    redis.on('error', () => undefined);
    endings.push(() => {
      redis.disconnect();
      return Promise.resolve();
    });
    const workload = new Workload(redis);
    const goesOn = (): Promise<boolean> => {
      const target = workload.writes + 500;
      return eventually(() => workload.writes >= target, { what: 'writes to go on', timeoutMs: 180_000 });
    };

    workload.start();
    // The sink first: it waits for its topic.
    const sink = await startDaemon(exampleConfig('sink', copy, run));
    const source = await startDaemon(exampleConfig('source', original, run));
    await goesOn();
    await original.node(0).kill();
    await goesOn();
    await workload.stop();
    await eventually(() => redis.set('last', 'written'), { what: 'a last write' });
    await source.settled();

    const isEqual = async (): Promise<boolean> => {
      expect(await contentsOf(copy)).toEqual(await contentsOf(original));
      return true;
    };
    await eventually(isEqual, { what: 'the copy to equal the original', timeoutMs: 180_000 });
    expect(Object.keys(await contentsOf(copy))).toContain('last');
    expect(await sink.metric('keyferry_dead_letters_total')).toBe(0);
  });
});
