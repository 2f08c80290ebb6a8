import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * A temporary directory and the servers that work in it. Neither outlives this process, not even when it is killed:
 * a reaper watches over them.
 */
export class Workplace {
  readonly dir = mkdtempSync(join(tmpdir(), 'keyferry-stack-'));
  readonly #reaper: ChildProcess;
  #directories = 0;

  constructor() {
    this.#reaper = spawn(process.execPath, [fileURLToPath(new URL('./reaper.ts', import.meta.url)), this.dir], {
      // Detached: a Ctrl-C meant for us must not end it before its work is done.
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#reaper.unref();
    if (this.#reaper.stdin instanceof Socket) this.#reaper.stdin.unref();
  }

  /** A path inside that nobody else was given. */
  path(name: string): string {
    this.#directories += 1;
    return join(this.dir, `${name}-${this.#directories}`);
  }

  /** Sees to it that a server ends with this workplace: `process 42`, `container 3fd0`. */
  guard(server: string): void {
    this.#reaper.stdin?.write(`+${server}\n`);
  }

  /** The server has gone: its id may name another one from now on. */
  release(server: string): void {
    this.#reaper.stdin?.write(`-${server}\n`);
  }

  /** Kills what still runs and deletes the directory. */
  async close(): Promise<void> {
    if (this.#reaper.exitCode !== null) return;
    const gone = once(this.#reaper, 'exit');
    this.#reaper.ref();
    this.#reaper.stdin?.end();
    await gone;
  }
}
