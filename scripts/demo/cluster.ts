import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import { divergence } from '../../test/support/independent-reader.ts';
import { eventually } from '../../test/support/eventually.ts';
import { prepareProcesses } from '../../test/support/process-provider.ts';
import { disposeStack, stackProvider } from '../../test/support/provider.ts';
import { RedisCluster } from '../../test/support/redis-cluster.ts';
import { addressOf, killMaster, mastersOf } from '../failover.ts';
import { nextChange } from './changes.ts';
import { startDaemon } from './daemon.ts';
import { milliseconds, paint, print, say } from './terminal.ts';

const TOPIC = 'demo';
const PARTITIONS = 3;
/** Between two writes. */
const PAUSE_MS = 20;
const REPORT_EVERY_MS = 2_000;
const CALM_MS = 10_000;
const COMPARE_TIMEOUT_MS = 180_000;
/** Long enough for a look at the status page. */
const BETWEEN_KILLS_MS = 30_000;

export interface ClusterDemoOptions {
  /** One master is killed, all is compared, and that is it. */
  readonly once: boolean;
  readonly signal: AbortSignal;
}

/** Keys of a real cluster of six nodes travel to Kafka and into a copy, through failovers. @returns the exit status */
export const showCluster = async ({ once, signal }: ClusterDemoOptions): Promise<number> => {
  // Nodes tell each other, and us, where they are: in containers they would have to be told first.
  process.env['KEYFERRY_TEST_STACK'] = 'processes';
  await prepareProcesses();
  say('starting three masters, a replica of each, a Redis for the copy, and Kafka');
  const provider = await stackProvider();
  const [servers, copy, kafka] = await Promise.all([
    RedisCluster.start(provider, { args: ['--cluster-require-full-coverage', 'no'] }),
    provider.startRedis(),
    provider.startKafka(),
  ]);
  const { brokers } = kafka;
  say('starting keyferry');
  const daemon = await startDaemon({
    redis: { topology: 'cluster', nodes: servers.seeds },
    kafka: { brokers },
    sources: [{ name: TOPIC, topic: TOPIC, partitions: PARTITIONS, canaryEvery: '1s' }],
    sinks: [{ name: 'copy', topics: [TOPIC], group: TOPIC, redis: { url: copy.url } }],
  });
  const writer = new Writer(servers);
  try {
    print();
    print(`  cluster ${servers.seeds.slice(0, 3).join(', ')}, and a replica of each`);
    print(`  copy    ${addressOf(copy)}    Kafka ${brokers.join(', ')}, topic ${TOPIC}`);
    print(`  status  ${paint('underline', `${daemon.url}/api/v1/status`)}   log ${daemon.logFile}`);
    print();
    print(`${paint('bold', 'A shop writes all the while. Each time one master is killed.')} Ctrl-C ends it.`);
    const writing = writer.run(signal);
    await report(writer, CALM_MS, signal);
    for (let isOver = signal.aborted; !isOver; isOver = once || signal.aborted) {
      await failOver(servers, daemon.url);
      await report(writer, once ? CALM_MS : BETWEEN_KILLS_MS, signal);
    }
    writer.stop();
    await writing;
    return (await compare(servers, brokers, copy.url)) ? 0 : 1;
  } finally {
    writer.close();
    await daemon.stop();
    await servers.kill();
    await disposeStack();
    say('all servers have ended');
  }
};

/** A shop's writes, through whatever happens to the cluster. */
class Writer {
  readonly #cluster: Cluster;
  readonly #stopped = new AbortController();
  written = 0;
  refused = 0;

  constructor({ nodes }: RedisCluster) {
    this.#cluster = new Cluster(
      nodes.map(({ host, port }) => ({ host, port })),
      { slotsRefreshInterval: 500, clusterRetryStrategy: () => 100, redisOptions: { maxRetriesPerRequest: 1 } },
    );
    // Commands fail by themselves; a connection that comes back is nobody's business.
    this.#cluster.on('error', () => undefined);
  }

  async run(signal: AbortSignal): Promise<void> {
    const stop = AbortSignal.any([signal, this.#stopped.signal]);
    while (!stop.aborted) {
      // Not awaited: while one master is away, the shop goes on with the others.
      nextChange({ oneKey: true })
        // Both take the same commands; only their types have no name in common.
        .run(this.#cluster as unknown as Redis)
        .then(
          () => (this.written += 1),
          () => (this.refused += 1),
        );
      await sleep(PAUSE_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  }

  stop(): void {
    this.#stopped.abort();
  }

  close(): void {
    this.stop();
    this.#cluster.disconnect();
  }
}

const line = (text: string): void => {
  print(`${paint('dim', new Date().toISOString().slice(11, 23))}  ${text}`);
};

const report = async (writer: Writer, ms: number, signal: AbortSignal): Promise<void> => {
  const until = performance.now() + ms;
  while (performance.now() < until && !signal.aborted) {
    await sleep(REPORT_EVERY_MS, undefined, { signal }).catch(() => undefined);
    line(paint('dim', `${writer.written} writes, ${writer.refused} that the cluster refused`));
  }
};

/** Kills a master, tells how it goes on, and starts it again: as a replica of who took over. */
const failOver = async (servers: RedisCluster, url: string): Promise<void> => {
  await servers.isUp();
  const masters = await mastersOf(servers);
  const master = masters[Math.floor(Math.random() * masters.length)];
  if (master === undefined) throw new Error('the cluster has no master');
  line(paint('red', `SIGKILL of the master ${addressOf(master)}: its slots are gone, the others go on`));
  await killMaster(master, url, {
    fed: (successor, ms) => {
      line(
        paint(
          'yellow',
          `${successor} took over, its feed is up after ${milliseconds(ms)}: a gap is open, its keys are compared`,
        ),
      );
    },
    closed: (gapMs, ms) => {
      line(
        paint('green', `the gap is closed: ${milliseconds(gapMs)} after it opened, ${milliseconds(ms)} after the kill`),
      );
    },
  });
  await master.start();
  line(`${addressOf(master)} is back, as a replica`);
};

/** What the masters hold, what the topic says, and what the copy holds. */
const compare = async (servers: RedisCluster, brokers: readonly string[], copyUrl: string): Promise<boolean> => {
  const copy = new Redis(copyUrl);
  const nodes = new Map(servers.nodes.map((node) => [node.id, new Redis(node.url)]));
  // Another may have become master since, where the machine stood still for a while.
  const sources = async (): Promise<readonly Redis[]> =>
    (await mastersOf(servers)).flatMap(({ id }) => nodes.get(id) ?? []);
  try {
    const equal = async (): Promise<boolean> => {
      const differences = await Promise.all([
        divergence(await sources(), brokers, TOPIC),
        divergence(copy, brokers, TOPIC),
      ]);
      return differences.every(({ length }) => length === 0);
    };
    const isEqual = await eventually(equal, { timeoutMs: COMPARE_TIMEOUT_MS, what: 'all to be equal' }).catch(
      () => false,
    );
    const sizes = await Promise.all((await sources()).map((redis) => redis.dbsize()));
    const keys = sizes.reduce((sum, size) => sum + size, 0);
    print();
    print(
      isEqual
        ? paint('green', `${keys} keys: the cluster, the topic and the copy hold the same`)
        : paint('red', 'the cluster, the topic and the copy do not hold the same'),
    );
    return isEqual;
  } finally {
    for (const redis of [copy, ...nodes.values()]) redis.disconnect();
  }
};
