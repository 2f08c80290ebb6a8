import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CLUSTER_ID } from './kafka-config.ts';
import { kafkaClassPath } from './kafka-jars.ts';
import { kafkaAnswers } from './readiness.ts';
import { ServerProcess } from './server-process.ts';
import { tool } from './tools.ts';
import type { Workplace } from './workplace.ts';

const run = promisify(execFile);

export interface KafkaProcessOptions {
  readonly workplace: Workplace;
  /** Of the server.properties file, given the directory for its data. */
  readonly properties: (dataDir: string) => string;
  /** Of a listener without TLS, on loopback. */
  readonly port: number;
  /** Of `kafka-storage format`, beside the cluster's id. */
  readonly formatArgs: readonly string[];
  readonly jvmFlags: readonly string[];
}

/** A formatted Kafka on a local Java, not yet started: its own jars, no scripts. */
export const createKafkaProcess = async (options: KafkaProcessOptions): Promise<ServerProcess> => {
  const { workplace, properties, port, formatArgs, jvmFlags } = options;
  const [command, classPath] = await Promise.all([java(), kafkaClassPath()]);
  const dir = workplace.path('kafka');
  mkdirSync(dir);
  const file = join(dir, 'server.properties');
  writeFileSync(file, properties(join(dir, 'data')));
  const quick = ['-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', classPath];
  await run(command, [...quick, 'kafka.tools.StorageTool', 'format', ...formatArgs, '-t', CLUSTER_ID, '-c', file]);
  const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn';
  return new ServerProcess(workplace, {
    name: 'Kafka',
    command,
    args: [...jvmFlags, quiet, '-cp', classPath, 'kafka.Kafka', file],
    cwd: dir,
    logFile: join(dir, 'kafka.log'),
    isReady: () => kafkaAnswers('127.0.0.1', port),
  });
};

export const java = (): Promise<string> => tool('java', 'default-jre-headless');
