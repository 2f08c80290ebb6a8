import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { say, tool } from '../support/tools.ts';
import { SCRIPTS } from './redis-pods.ts';

const run = promisify(execFile);
const scripts = (await readdir(SCRIPTS)).filter((name) => name.endsWith('.sh'));
const shellcheck = await tool('shellcheck', 'shellcheck').catch((error: unknown) => {
  say(`shellcheck cannot be had, its test is skipped: ${String(error)}`);
  return undefined;
});

describe('the scripts of Redis', () => {
  test.each(scripts)('%s is POSIX sh', async (name) => {
    await run('sh', ['-n', join(SCRIPTS, name)]);
  });

  test.skipIf(shellcheck === undefined)('have nothing that shellcheck would have otherwise', async () => {
    const files = scripts.map((name) => join(SCRIPTS, name));
    // SC1090, SC1091: the library's place is known at run time.
    const args = ['--shell=sh', '--severity=warning', '--exclude=SC1090,SC1091', ...files];
    const { stdout } = await run(shellcheck ?? '', args).catch((error: unknown) => error as { stdout: string });
    expect(stdout).toBe('');
  });
});
