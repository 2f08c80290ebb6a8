import { execFile } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDir } from './cache-dir.ts';
import { onPath, persistently, say } from './tools.ts';

const run = promisify(execFile);

/** Programs that their makers give out as Go modules; package is the path within. */
const TOOLS = {
  helm: { module: 'helm.sh/helm/v3', version: 'v3.22.0', package: './cmd/helm' },
  'helm-unittest': {
    module: 'github.com/helm-unittest/helm-unittest',
    version: 'v1.1.2',
    package: './cmd/helm-unittest',
  },
  kubeconform: { module: 'github.com/yannh/kubeconform', version: 'v0.8.0', package: './cmd/kubeconform' },
} as const;

/**
 * The path of a program: from PATH, else built by Go into this user's cache, which takes minutes, once. undefined where it can be
 * had in neither way: what needs it is skipped, and that is said.
 */
export const goTool = async (name: keyof typeof TOOLS): Promise<string | undefined> => {
  const found = await onPath(name);
  if (found !== undefined) return found;
  const { version } = TOOLS[name];
  const path = join(cacheDir(), `${name}-${version}`);
  if (await access(path, constants.X_OK).then(...ended)) return path;
  const go = await onPath('go');
  if (go === undefined) {
    say(`${name} is not on the PATH, and neither is Go, which could build it: what needs it is skipped`);
    return undefined;
  }
  try {
    await build(go, name, path);
    return path;
  } catch (error) {
    say(`${name} cannot be built, what needs it is skipped: ${String(error)}`);
    return undefined;
  }
};

const ended = [() => true, () => false] as const;

/** In the module's own directory: `go install` refuses modules that replace what they need. */
const build = async (go: string, name: keyof typeof TOOLS, path: string): Promise<void> => {
  const { module, version, package: source } = TOOLS[name];
  say(`building ${name} ${version} with Go, once, into ${path}`);
  await mkdir(cacheDir(), { recursive: true });
  const work = await mkdtemp(join(cacheDir(), 'building-'));
  try {
    const download = ['mod', 'download', '-json', `${module}@${version}`];
    const { stdout } = await persistently(() => run(go, download, { cwd: work }));
    const { Dir } = JSON.parse(stdout) as { readonly Dir: string };
    await persistently(() => run(go, ['build', '-C', Dir, '-o', join(work, name), source], { maxBuffer: Infinity }));
    await rename(join(work, name), path);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};
