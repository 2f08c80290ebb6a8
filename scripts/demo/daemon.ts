import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort } from '../../test/support/ports.ts';
import { ServerProcess } from '../../test/support/server-process.ts';
import { Workplace } from '../../test/support/workplace.ts';

const MAIN = join(import.meta.dirname, '../../dist/main.js');

/** The built daemon as a process of its own. */
export interface DaemonProcess {
  /** Of its HTTP interface: `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly logFile: string;
  /** SIGTERM; resolves when it has drained and gone, and its state store with it. */
  stop(): Promise<void>;
}

/**
 * Runs `keyferry run` on a configuration, to which HTTP port and state store are added, and waits until /readyz answers
 * 200. The process ends with this one, however that ends.
 */
export const startDaemon = async (config: object): Promise<DaemonProcess> => {
  const workplace = new Workplace();
  const dir = workplace.path('daemon');
  mkdirSync(dir);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = join(dir, 'keyferry.yaml');
  writeFileSync(file, stringify({ ...config, http: { port }, state: { path: join(dir, 'state') } }));
  const logFile = join(dir, 'daemon.log');
  const daemon = new ServerProcess(workplace, {
    name: 'keyferry',
    command: process.execPath,
    args: [MAIN, 'run', '--config', file],
    env: withoutSettings(process.env),
    cwd: dir,
    logFile,
    isReady: () => isReady(url),
  });
  const stop = async (): Promise<void> => {
    await daemon.stop();
    await workplace.close();
  };
  try {
    await daemon.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, logFile, stop };
};

const isReady = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}/readyz`)).ok;
  } catch {
    return false;
  }
};

/** The environment may hold settings, which would overrule the file. */
const withoutSettings = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('KEYFERRY_')));
