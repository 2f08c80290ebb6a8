import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort } from './ports.ts';
import { ServerProcess } from './server-process.ts';
import { Workplace } from './workplace.ts';

const MAIN = join(import.meta.dirname, '../../dist/main.js');

/** The built daemon as a process of its own, as its users run it. */
export interface DaemonProcess {
  /** Of its HTTP interface: `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly logFile: string;
  /** What it has logged so far. */
  log(): string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM; resolves when it has drained and gone. */
  stop(): Promise<void>;
  /** Starts it again, with its configuration and state store, after stop or kill. */
  start(): Promise<void>;
  /** Ends it, and deletes its state store. */
  dispose(): Promise<void>;
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
    isReady: () =>
      fetch(`${url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      ),
  });
  try {
    await daemon.start();
  } catch (error) {
    await workplace.close();
    throw error;
  }
  return {
    url,
    logFile,
    log: () => readFileSync(logFile, 'utf8'),
    kill: () => daemon.kill(),
    stop: () => daemon.stop(),
    start: () => daemon.start(),
    dispose: () => workplace.close(),
  };
};

/** The environment may hold settings, which would overrule the file. */
const withoutSettings = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('KEYFERRY_')));
