import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Workplace } from './workplace.ts';

const POLL_MS = 25;
const START_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 90_000;
/** How long a connection that has ended may keep its port, and somewhat more. */
const PORT_TIMEOUT_MS = 90_000;
const PORT_POLL_MS = 500;
const LOG_TAIL_CHARS = 2_000;

export interface ServerCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Absent: this process' own. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly logFile: string;
  readonly isReady: () => Promise<boolean>;
}

/** One server as a child process, which can be ended and started again with the same command. */
export class ServerProcess {
  readonly #workplace: Workplace;
  readonly #command: ServerCommand;
  #child: ChildProcess | undefined;
  #hasRun = false;

  constructor(workplace: Workplace, command: ServerCommand) {
    this.#workplace = workplace;
    this.#command = command;
  }

  /**
   * Resolves once the server answers. One that ran before waits where another's connection has come to its port meanwhile.
   * @throws with the end of its log where it ends before, or does not get there.
   */
  async start(): Promise<void> {
    if (this.#child !== undefined) throw new Error(`${this.#command.name} runs already`);
    const deadline = performance.now() + PORT_TIMEOUT_MS;
    for (;;) {
      try {
        await this.#start();
        this.#hasRun = true;
        return;
      } catch (error) {
        const isTaken = /address already in use/i.test(String(error));
        if (!this.#hasRun || !isTaken || performance.now() > deadline) throw error;
        await sleep(PORT_POLL_MS);
      }
    }
  }

  async #start(): Promise<void> {
    const { name, command, args, env, cwd, logFile, isReady } = this.#command;
    const log = openSync(logFile, 'a');
    // Detached: a Ctrl-C meant for us must not end it before those that work with it.
    const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    await once(child, 'spawn');
    const watched = `process ${child.pid ?? 0}`;
    this.#workplace.guard(watched);
    child.once('exit', () => {
      this.#workplace.release(watched);
    });
    this.#child = child;
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!(await isReady())) {
      if (hasEnded(child)) throw this.#failure(`${name} ended (${child.signalCode ?? child.exitCode ?? 0})`);
      if (performance.now() > deadline) throw this.#failure(`${name} did not answer in ${START_TIMEOUT_MS} ms`);
      await sleep(POLL_MS);
    }
    // Another process that took the port would have answered in its place.
    if (hasEnded(child)) throw this.#failure(`${name} ended at once`);
    child.unref();
  }

  /** SIGKILL. Resolves when the process has gone. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** SIGTERM; SIGKILL where it does not help. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    if (!hasEnded(child)) {
      const gone = once(child, 'exit');
      child.ref();
      child.kill(signal);
      const lastResort = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await gone;
      clearTimeout(lastResort);
    }
    this.#child = undefined;
  }

  #failure(what: string): Error {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
    const log = readFileSync(this.#command.logFile, 'utf8').slice(-LOG_TAIL_CHARS);
    return new Error(`${what}. The end of its log:\n${log}`);
  }
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;
