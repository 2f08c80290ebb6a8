import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TlsFiles } from './certificates.ts';
import { serverProperties } from './kafka-config.ts';
import { kafkaClassPath } from './kafka-jars.ts';
import { createKafkaProcess, java } from './kafka-process.ts';
import { freePort, freePorts } from './ports.ts';
import { redisAnswers } from './readiness.ts';
import { ServerProcess } from './server-process.ts';
import type { KafkaServer, RedisOptions, RedisServer, StackProvider } from './stack.ts';
import { tool } from './tools.ts';
import { Workplace } from './workplace.ts';

const HOST = '127.0.0.1';

/** Servers as local processes: a redis-server, and Kafka's own jars on a local Java. */
export const processProvider = (): StackProvider => {
  const workplace = new Workplace();
  return {
    name: 'processes',
    startRedis: (options = {}) => startRedis(workplace, options),
    startKafka: ({ config = {} } = {}) => startKafka(workplace, config),
    dispose: () => workplace.close(),
  };
};

/** Installs and fetches what the servers need, so that what follows starts at once. */
export const prepareProcesses = async (): Promise<void> => {
  await redisServer();
  await java();
  await kafkaClassPath();
};

/** The redis-server that runs; KEYFERRY_TEST_REDIS_SERVER names another one. */
export const redisServer = async (): Promise<string> =>
  process.env['KEYFERRY_TEST_REDIS_SERVER'] ?? (await tool('redis-server', 'redis-server'));

/** `7` of a line such as `Redis server v=7.0.15 sha=...`. */
const majorVersion = async (command: string): Promise<number> => {
  const { stdout } = await promisify(execFile)(command, ['--version']);
  return Number(/ v=(\d+)\./.exec(stdout)?.[1]);
};

const startRedis = async (
  workplace: Workplace,
  { args = [], debug = false, tls }: RedisOptions,
): Promise<RedisServer> => {
  const command = await redisServer();
  const allowDebug = debug && (await majorVersion(command)) >= 7 ? ['--enable-debug-command', 'yes'] : [];
  const port = await freePort();
  const dir = workplace.path('redis');
  mkdirSync(dir);
  const server = new ServerProcess(workplace, {
    name: 'redis-server',
    command,
    args: [...listensAt(port, tls), '--bind', HOST, '--dir', dir, '--save', '', ...allowDebug, ...args],
    cwd: dir,
    logFile: join(dir, 'redis.log'),
    isReady: () => redisAnswers(HOST, port, tls),
  });
  await server.start();
  return {
    host: HOST,
    port,
    url: `${tls === undefined ? 'redis' : 'rediss'}://${HOST}:${port}`,
    kill: () => server.kill(),
    stop: () => server.stop(),
    start: () => server.start(),
    freeze: () => {
      server.signal('SIGSTOP');
      return Promise.resolve();
    },
    thaw: () => {
      server.signal('SIGCONT');
      return Promise.resolve();
    },
  };
};

const listensAt = (port: number, tls: TlsFiles | undefined): readonly string[] => {
  if (tls === undefined) return ['--port', String(port)];
  const { caFile, certFile, keyFile } = tls;
  const files = ['--tls-ca-cert-file', caFile, '--tls-cert-file', certFile, '--tls-key-file', keyFile];
  return ['--port', '0', '--tls-port', String(port), ...files];
};

const startKafka = async (workplace: Workplace, config: Readonly<Record<string, string>>): Promise<KafkaServer> => {
  const [port = 0, controllerPort = 0] = await freePorts(2);
  const addresses = { host: HOST, port, bind: HOST, controllerPort };
  const server = await createKafkaProcess({
    workplace,
    properties: (dataDir) => serverProperties(dataDir, addresses, config),
    port,
    formatArgs: ['--standalone'],
    jvmFlags: ['-Xmx1g'],
  });
  await server.start();
  return {
    brokers: [`${HOST}:${port}`],
    kill: () => server.kill(),
    stop: () => server.stop(),
    start: () => server.start(),
  };
};
