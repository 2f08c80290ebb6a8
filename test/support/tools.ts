import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

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
  const lock = ['-w', '600', join(tmpdir(), 'keyferry-apt.lock')];
  await run('flock', [...lock, 'apt-get', '-o', 'DPkg::Lock::Timeout=600', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
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
