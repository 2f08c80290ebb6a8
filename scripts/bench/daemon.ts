import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { eventually } from '../../test/support/eventually.ts';
import { freePort } from '../../test/support/ports.ts';

const START_TIMEOUT_MS = 60_000;
const ROOT = join(import.meta.dirname, '../..');

/** The daemon as a process of its own: measured from outside, as its users meet it. */
export interface Daemon {
  readonly pid: number;
  /** Of its HTTP interface. */
  readonly port: number;
  /** The value of one line of /metrics: `keyferry_source_pending_keys{source="keys"}`; undefined where it is absent. */
  metric(series: string): Promise<number | undefined>;
  /** SIGTERM; resolves when it has drained and gone. */
  stop(): Promise<void>;
}

/**
 * Starts the built daemon on a configuration and waits until /readyz answers 200. Its log goes to `<dir>/<name>.log`.
 * @param root of a clone that is built
 */
export const startDaemon = async (dir: string, name: string, config: object, root = ROOT): Promise<Daemon> => {
  const port = await freePort();
  const file = join(dir, `${name}.yaml`);
  const logFile = join(dir, `${name}.log`);
  writeFileSync(file, stringify({ ...config, http: { port } }));
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [join(root, 'dist/main.js'), 'run', '--config', file], {
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const gone = once(child, 'exit');
  // A scenario that fails leaves nothing running behind.
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);

  const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`);
  const failed = gone.then(() => {
    throw new Error(`the daemon ended: ${readFileSync(logFile, 'utf8').slice(-2_000)}`);
  });
  const ready = async (): Promise<boolean> => (await get('/readyz')).ok;
  await Promise.race([failed, eventually(ready, { timeoutMs: START_TIMEOUT_MS, what: 'the daemon to be ready' })]);
  failed.catch(() => undefined);

  return {
    pid: child.pid ?? 0,
    port,
    metric: async (series) => {
      const text = await (await get('/metrics')).text();
      const line = text.split('\n').find((one) => one.startsWith(`${series} `));
      return line === undefined ? undefined : Number(line.slice(series.length));
    },
    stop: async () => {
      child.kill('SIGTERM');
      await gone;
      process.off('exit', kill);
    },
  };
};
