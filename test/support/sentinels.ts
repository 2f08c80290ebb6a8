import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectRedis } from '../../src/clients/redis/connect.ts';
import type { RedisReply } from '../../src/clients/redis/port.ts';
import { eventually } from './eventually.ts';
import { freePort } from './ports.ts';
import { redisServer } from './process-provider.ts';
import { redisAnswers } from './readiness.ts';
import { ServerProcess } from './server-process.ts';
import type { RedisServer, StackProvider } from './stack.ts';
import type { Workplace } from './workplace.ts';

const HOST = '127.0.0.1';
export const MASTER_NAME = 'ferried';

export interface Sentinels {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  /** host:port of the three of them. */
  readonly nodes: readonly string[];
  readonly processes: readonly ServerProcess[];
  /** Ends all five. */
  kill(): Promise<void>;
}

export interface SentinelsOptions {
  /** Of the master and its replica. */
  readonly args?: readonly string[];
  /** Lines of a sentinel's configuration. */
  readonly lines?: readonly string[];
  /** Of the sentinels. */
  readonly password?: string;
}

/** A master, its replica, and three sentinels that know each other and fail over within a few seconds. */
export const startSentinels = async (
  provider: StackProvider,
  workplace: Workplace,
  { args = [], lines = [], password = '' }: SentinelsOptions = {},
): Promise<Sentinels> => {
  const quick = ['--repl-diskless-sync-delay', '0', '--notify-keyspace-events', 'AE', ...args];
  const master = await provider.startRedis({ args: quick });
  const replica = await provider.startRedis({ args: [...quick, '--replicaof', HOST, String(master.port)] });
  // A sentinel asks a master for its replicas every ten seconds only.
  await hasReplica(master, args);
  const extra = [
    ...lines,
    ...(password === '' ? [] : [`requirepass ${password}`, `sentinel sentinel-pass ${password}`]),
  ];
  const sentinels = await Promise.all([1, 2, 3].map(() => startSentinel(workplace, master.port, extra)));
  await Promise.all(sentinels.map(({ port }) => knowsAll(port, password)));
  return {
    master,
    replica,
    nodes: sentinels.map(({ port }) => `${HOST}:${port}`),
    processes: sentinels.map(({ process }) => process),
    kill: async () => {
      await Promise.all([...sentinels.map(({ process }) => process), master, replica].map((each) => each.kill()));
    },
  };
};

/** A sentinel that watches one master. @param extra lines of its configuration. */
export const startSentinel = async (workplace: Workplace, masterPort: number, extra: readonly string[]) => {
  const port = await freePort();
  const dir = workplace.path('sentinel');
  mkdirSync(dir);
  const file = join(dir, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    `bind ${HOST}`,
    `dir ${dir}`,
    `sentinel monitor ${MASTER_NAME} ${HOST} ${masterPort} 2`,
    `sentinel down-after-milliseconds ${MASTER_NAME} 2000`,
    `sentinel failover-timeout ${MASTER_NAME} 3000`,
    ...extra,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const process = new ServerProcess(workplace, {
    name: 'sentinel',
    command: await redisServer(),
    args: [file, '--sentinel'],
    cwd: dir,
    logFile: join(dir, 'sentinel.log'),
    isReady: () => redisAnswers(HOST, port),
  });
  await process.start();
  return { port, process };
};

const hasReplica = async ({ url }: RedisServer, args: readonly string[]): Promise<void> => {
  const password = args[args.indexOf('--requirepass') + 1] ?? '';
  const server = url.replace('//', args.includes('--requirepass') ? `//:${password}@` : '//');
  const master = connectRedis({ url: server, name: 'test' }).connect({ db: 0, name: 'admin' });
  await master.ready();
  await eventually(async () => String(await master.call('INFO', 'replication')).includes('state=online'), {
    what: 'the replica to be in step',
  });
  await master.close();
};

/** Before that, no failover can be agreed upon. */
const knowsAll = async (port: number, password: string): Promise<void> => {
  const url = `redis://:${encodeURIComponent(password)}@${HOST}:${port}`;
  const sentinel = connectRedis({ url, name: 'test' }).connect({ db: 0, name: 'admin' });
  await sentinel.ready();
  await eventually(
    async () => {
      const reply = (await sentinel.call('SENTINEL', 'MASTER', MASTER_NAME)) as readonly RedisReply[];
      const field = (name: string): string => String(reply[reply.findIndex((word) => String(word) === name) + 1]);
      return field('num-slaves') === '1' && field('num-other-sentinels') === '2' && field('flags') === 'master';
    },
    // One that stood still for two seconds does nothing for another 30 (TILT).
    { what: 'the sentinels to know each other and the replica', timeoutMs: 120_000 },
  );
  await sentinel.close();
};
