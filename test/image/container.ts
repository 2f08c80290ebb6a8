import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { stringify } from 'yaml';
import { docker } from '../support/docker/docker.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';
import { tool } from '../support/tools.ts';
import type { Workplace } from '../support/workplace.ts';

/** As the chart runs it: nothing can be written but the volume, and no right is left. Servers are on this machine. */
const HARDENED = ['--network', 'host', '--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];

export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A container of the image under test. */
export class Container {
  readonly id: string;
  readonly port: number;

  private constructor(id: string, port: number) {
    this.id = id;
    this.port = port;
  }

  /** Runs it to its end. @param options of docker run. @param args of keyferry. */
  static async run(options: readonly string[], args: readonly string[]): Promise<Ended> {
    const command = await tool('docker', 'docker.io');
    const child = execFile(command, ['run', '--rm', ...HARDENED, ...options, inject('image'), ...args], {
      maxBuffer: Infinity,
    });
    const output = { stdout: '', stderr: '' };
    child.stdout?.on('data', (chunk) => (output.stdout += String(chunk)));
    child.stderr?.on('data', (chunk) => (output.stderr += String(chunk)));
    await once(child, 'close');
    return { status: child.exitCode ?? -1, stdout: output.stdout.trim(), stderr: output.stderr };
  }

  /** Starts it with a configuration; its HTTP port is filled in. It ends with the workplace at the latest. */
  static async start(workplace: Workplace, config: object, given: ContainerOptions = {}): Promise<Container> {
    const port = await freePort();
    const { http, ...rest } = config as { readonly http?: object };
    const dir = workplace.path('config');
    mkdirSync(dir);
    writeFileSync(join(dir, 'keyferry.yaml'), stringify({ http: { port, ...http }, ...rest }));
    // Looked at once a second, so that a test need not wait for its usual quarter of a minute.
    const health = ['--health-interval', '1s', '--health-start-period', '0s', '--health-retries', '1'];
    const { options = [], args = ['run'] } = given;
    const all = [...HARDENED, ...health, '--volume', `${dir}:/etc/keyferry:ro`, ...options];
    const id = await docker(['run', '--detach', ...all, inject('image'), ...args]);
    workplace.guard(`container ${id}`);
    return new Container(id, port);
  }

  /** `docker stop`: SIGTERM, then SIGKILL after that time. Gives the exit status. */
  async stop(seconds: number): Promise<number> {
    await docker(['stop', '--time', String(seconds), this.id]);
    return Number(await this.#inspect('{{.State.ExitCode}}'));
  }

  /** `starting`, `healthy` or `unhealthy`. */
  health(): Promise<string> {
    return this.#inspect('{{.State.Health.Status}}');
  }

  /** What the last health checks wrote. */
  healthOutput(): Promise<string> {
    return this.#inspect('{{range .State.Health.Log}}{{.Output}}{{end}}');
  }

  get(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`);
  }

  async output(): Promise<string> {
    const command = await tool('docker', 'docker.io');
    return new Promise((resolve) => {
      execFile(command, ['logs', this.id], (_error, stdout, stderr) => {
        resolve(stdout + stderr);
      });
    });
  }

  /** @throws with the container's output where it does not come to be so. */
  async is(what: string, holds: () => Promise<boolean>): Promise<void> {
    await eventually(holds, { what: `the container to be ${what}`, timeoutMs: 180_000 }).catch(
      async (error: unknown) => {
        throw new Error(`${String(error)}; its output:\n${await this.output()}`, { cause: error });
      },
    );
  }

  #inspect(format: string): Promise<string> {
    return docker(['inspect', '--format', format, this.id]);
  }
}

export interface ContainerOptions {
  /** Of docker run. */
  readonly options?: readonly string[];
  /** Of keyferry. */
  readonly args?: readonly string[];
}
