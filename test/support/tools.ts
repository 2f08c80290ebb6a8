import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

const PAUSES_MS = [2_000, 10_000, 20_000] as const;

/** For what the network brings: tries again where that fails for a moment. */
export const persistently = async <T>(fetching: () => Promise<T>): Promise<T> => {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await fetching();
    } catch (error) {
      say(`trying again in ${pauseMs / 1_000} s: ${String(error)}`);
      await sleep(pauseMs);
    }
  }
  return fetching();
};

/**
 * The path of a program: from PATH, else installed with apt-get where this user may do so.
 * @throws where it is missing and cannot be installed, naming both ways out.
 */
export const tool = async (name: string, debianPackage: string): Promise<string> => {
  const found = await onPath(name);
  if (found !== undefined) return found;
  if (process.getuid?.() === 0 && (await onPath('apt-get')) !== undefined) {
    say(`installing ${debianPackage} with apt-get`);
    await apt('update', '-qq');
    await apt('install', '-y', '-qq', '--no-install-recommends', debianPackage);
    const installed = await onPath(name);
    if (installed !== undefined) return installed;
  }
  throw new Error(
    `${name} is missing. Install it (Debian: apt-get install ${debianPackage}), or start a Docker engine that has the images.`,
  );
};

/** One at a time: others on this machine may be at the same. */
export const apt = async (...args: readonly string[]): Promise<void> => {
  const options = ['-o', 'DPkg::Lock::Timeout=600', '-o', 'Acquire::Retries=5'];
  await persistently(() =>
    runAlone('apt', 'apt-get', [...options, ...args], { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }),
  );
};

/** Runs a program while no other run of ours on this machine holds the same lock; where there is flock, as on Linux. */
export const runAlone = async (
  lock: string,
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> => {
  const flock = await onPath('flock');
  const options = { env, maxBuffer: Infinity };
  if (flock === undefined) await run(program, args, options);
  else await run(flock, ['-w', '900', join(tmpdir(), `keyferry-${lock}.lock`), program, ...args], options);
};

/** Tells of something that takes its time, the first time only. */
export const say = (what: string): void => {
  process.stderr.write(`keyferry: ${what}\n`);
};

export const onPath = async (name: string): Promise<string | undefined> => {
  for (const dir of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(dir, name);
    const runs = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return path;
  }
  return undefined;
};
