import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CLUSTER_ID, serverProperties } from './kafka-config.ts';
import { kafkaClassPath } from './kafka-jars.ts';
import { freePort, freePorts } from './ports.ts';
import { kafkaAnswers, redisAnswers } from './readiness.ts';
import { ServerProcess } from './server-process.ts';
import type { KafkaServer, RedisServer, StackProvider } from './stack.ts';
import { tool } from './tools.ts';
import { Workplace } from './workplace.ts';

const run = promisify(execFile);
const HOST = '127.0.0.1';

/** Servers as local processes: a redis-server, and Kafka's own jars on a local Java. */
export const processProvider = (): StackProvider => {
  const workplace = new Workplace();
  return {
    name: 'processes',
    startRedis: ({ args = [] } = {}) => startRedis(workplace, args),
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

const redisServer = async (): Promise<string> =>
  process.env['KEYFERRY_TEST_REDIS_SERVER'] ?? (await tool('redis-server', 'redis-server'));
const java = (): Promise<string> => tool('java', 'default-jre-headless');

const startRedis = async (workplace: Workplace, args: readonly string[]): Promise<RedisServer> => {
  const command = await redisServer();
  const port = await freePort();
  const dir = workplace.path('redis');
  mkdirSync(dir);
  const server = new ServerProcess(workplace, {
    name: 'redis-server',
    command,
    args: ['--port', String(port), '--bind', HOST, '--dir', dir, '--save', '', ...args],
    cwd: dir,
    logFile: join(dir, 'redis.log'),
    isReady: () => redisAnswers(HOST, port),
  });
  await server.start();
  return {
    host: HOST,
    port,
    url: `redis://${HOST}:${port}`,
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

const startKafka = async (workplace: Workplace, config: Readonly<Record<string, string>>): Promise<KafkaServer> => {
  const [command, classPath, [port = 0, controllerPort = 0]] = await Promise.all([
    java(),
    kafkaClassPath(),
    freePorts(2),
  ]);
  const dir = workplace.path('kafka');
  mkdirSync(dir);
  const properties = join(dir, 'server.properties');
  const addresses = { host: HOST, port, bind: HOST, controllerPort };
  writeFileSync(properties, serverProperties(join(dir, 'data'), addresses, config));
  await format(command, classPath, properties);
  const server = new ServerProcess(workplace, {
    name: 'Kafka',
    command,
    args: [...JVM_FLAGS, '-cp', classPath, 'kafka.Kafka', properties],
    cwd: dir,
    logFile: join(dir, 'kafka.log'),
    isReady: () => kafkaAnswers(HOST, port),
  });
  await server.start();
  return {
    brokers: [`${HOST}:${port}`],
    kill: () => server.kill(),
    stop: () => server.stop(),
    start: () => server.start(),
  };
};

const JVM_FLAGS = ['-Xmx1g', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];

const format = async (java: string, classPath: string, properties: string): Promise<void> => {
  const flags = ['-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'];
  const args = ['format', '--standalone', '-t', CLUSTER_ID, '-c', properties];
  await run(java, [...flags, '-cp', classPath, 'kafka.tools.StorageTool', ...args]);
};
