import { execFile } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { cacheDir } from './cache-dir.ts';
import { freePort } from './ports.ts';
import { ServerProcess } from './server-process.ts';
import { apt, onPath, persistently, say } from './tools.ts';
import { Workplace } from './workplace.ts';

const run = promisify(execFile);

/**
 * Prometheus and its promtool: from PATH, else Debian's package unpacked into this user's cache. It is not installed, since
 * that would start a service. undefined where neither can be had: what needs it is skipped.
 */
export const findPrometheus = async (): Promise<Readonly<Record<'prometheus' | 'promtool', string>> | undefined> => {
  const [prometheus, promtool] = await Promise.all([onPath('prometheus'), onPath('promtool')]);
  if (prometheus !== undefined && promtool !== undefined) return { prometheus, promtool };
  const dir = join(cacheDir(), 'prometheus');
  if (!(await runs(join(dir, 'usr/bin/promtool'))) && !(await unpack(dir))) return undefined;
  return { prometheus: join(dir, 'usr/bin/prometheus'), promtool: join(dir, 'usr/bin/promtool') };
};

const runs = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

const unpack = async (dir: string): Promise<boolean> => {
  await mkdir(cacheDir(), { recursive: true });
  const work = await mkdtemp(join(cacheDir(), 'fetching-'));
  try {
    say(`fetching Debian's prometheus, once, into ${dir}`);
    const download = (): Promise<unknown> => run('apt-get', ['download', '-qq', 'prometheus'], { cwd: work });
    // A fresh machine has no package lists yet; only root may fetch them.
    await download().catch(() => apt('update', '-qq').then(() => persistently(download)));
    const [deb = ''] = await readdir(work);
    await run('dpkg-deb', ['-x', join(work, deb), join(work, 'unpacked')]);
    await rename(join(work, 'unpacked'), dir);
    return true;
  } catch (error) {
    // Another run may have been faster: its files are as good as ours.
    if (await runs(join(dir, 'usr/bin/promtool'))) return true;
    say(`prometheus cannot be had, what needs it is skipped: ${String(error)}`);
    return false;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};

/** A value that a query gave, with the labels of its series. */
export interface QueryResult {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** A Prometheus of a test's own, on loopback; ends with the test's process. */
export class Prometheus {
  readonly #workplace: Workplace;
  readonly #url: string;

  private constructor(workplace: Workplace, url: string) {
    this.#workplace = workplace;
    this.#url = url;
  }

  /** @param targets host:port, scraped each second as the job `keyferry`. @param ruleFiles absolute paths */
  static async start(
    command: string,
    { targets, ruleFiles }: { readonly targets: readonly string[]; readonly ruleFiles: readonly string[] },
  ): Promise<Prometheus> {
    const workplace = new Workplace();
    const port = await freePort();
    const config = join(workplace.dir, 'prometheus.yml');
    await writeFile(
      config,
      stringify({
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: ruleFiles,
        scrape_configs: [{ job_name: 'keyferry', static_configs: [{ targets }] }],
      }),
    );
    const url = `http://127.0.0.1:${port}`;
    const data = join(workplace.dir, 'data');
    const server = new ServerProcess(workplace, {
      name: 'prometheus',
      command,
      args: [`--config.file=${config}`, `--storage.tsdb.path=${data}`, `--web.listen-address=127.0.0.1:${port}`],
      cwd: workplace.dir,
      logFile: join(workplace.dir, 'prometheus.log'),
      isReady: () =>
        fetch(`${url}/-/ready`).then(
          ({ ok }) => ok,
          () => false,
        ),
    });
    await server.start();
    return new Prometheus(workplace, url);
  }

  /** @throws with Prometheus' words where the expression is none. */
  async query(expression: string): Promise<readonly QueryResult[]> {
    return (await this.#get<{ result: readonly QueryResult[] }>('query', { query: expression })).result;
  }

  /** `up`, or why the target cannot be scraped. */
  async targets(): Promise<readonly string[]> {
    interface Target {
      readonly health: string;
      readonly lastError: string;
    }
    const { activeTargets } = await this.#get<{ activeTargets: readonly Target[] }>('targets');
    return activeTargets.map(({ health, lastError }) => (lastError === '' ? health : lastError));
  }

  /** Alerts that are pending or firing, by name. */
  async alerts(): Promise<ReadonlyMap<string, string>> {
    interface Alert {
      readonly labels: Readonly<Record<string, string>>;
      readonly state: string;
    }
    const { alerts } = await this.#get<{ alerts: readonly Alert[] }>('alerts');
    return new Map(alerts.map(({ labels, state }) => [labels['alertname'] ?? '', state]));
  }

  close(): Promise<void> {
    return this.#workplace.close();
  }

  async #get<Data>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<Data> {
    const response = await fetch(`${this.#url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`);
    const { data, error } = (await response.json()) as { readonly data: Data; readonly error?: string };
    if (error !== undefined) throw new Error(`${error}: ${parameters['query'] ?? path}`);
    return data;
  }
}
