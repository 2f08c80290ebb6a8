import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** Runs a program to its end. Gives its stdout. @throws with what it wrote to stderr. */
const run = async (program: string, args: readonly string[], input = ''): Promise<string> => {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  child.stdin.end(input);
  await once(child, 'close');
  if (child.exitCode !== 0) {
    throw new Error(`${program} ${args.join(' ')}: status ${child.exitCode ?? 0}\n${output.stderr}\n${output.stdout}`);
  }
  return output.stdout.trim();
};

/** A server that is too busy even to be asked. */
const UNASKED = /^(Unable to connect to the server|The connection to the server .* was refused)/m;
const ATTEMPTS = 6;
const PAUSE_MS = 5_000;

/** @param input its standard input, for `--filename -`. */
export const kubectl = async (args: readonly string[], input?: string): Promise<string> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run('kubectl', args, input);
    } catch (error) {
      if (attempt === ATTEMPTS || !UNASKED.test(String(error))) throw error;
      await sleep(PAUSE_MS);
    }
  }
};

export const helm = (args: readonly string[], input?: string): Promise<string> => run('helm', args, input);

export interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly nodeName: string };
  readonly status: {
    readonly podIP?: string;
    readonly phase: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

export const isReady = ({ status }: Pod): boolean =>
  status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;

/** A namespace of the cluster, for one file of tests. */
export class Namespace {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /** Empty: what a run before left there is deleted first. */
  static async create(name: string): Promise<Namespace> {
    await kubectl(['delete', 'namespace', name, '--ignore-not-found', '--timeout', '600s']);
    await kubectl(['create', 'namespace', name]);
    return new Namespace(name);
  }

  kubectl(args: readonly string[], input?: string): Promise<string> {
    return kubectl(['--namespace', this.name, ...args], input);
  }

  /** @throws with what goes on in the namespace, where pods may be why it failed. */
  helm(args: readonly string[], input?: string): Promise<string> {
    return this.#explained(helm(['--namespace', this.name, ...args], input));
  }

  apply(manifest: string): Promise<string> {
    return this.kubectl(['apply', '--filename', '-'], manifest);
  }

  async json<T>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.kubectl([...args, '--output', 'json'])) as T;
  }

  async pods(selector: string): Promise<readonly Pod[]> {
    return (await this.json<{ readonly items: readonly Pod[] }>(['get', 'pods', '--selector', selector])).items;
  }

  pod(name: string): Promise<Pod> {
    return this.json<Pod>(['get', 'pod', name]);
  }

  /**
   * Hands over, while `meanwhile` goes on, a line for each object that there is, and for each change of one: between two looks, some would
   * be missed.
   * @param template JSONPath, on the event of the watch
   */
  async watched(
    objects: readonly string[],
    template: string,
    onEvent: (line: string) => void,
    meanwhile: () => Promise<void>,
  ): Promise<void> {
    const output = ['--watch', '--output-watch-events', '--output', `jsonpath=${template}{"\\n"}`];
    const child = spawn('kubectl', ['--namespace', this.name, 'get', ...objects, ...output], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface(child.stdout).on('line', onEvent);
    try {
      await Promise.race([once(lines, 'line'), once(lines, 'close')]);
      await meanwhile();
      if (child.exitCode !== null) throw new Error(`the watch of ${objects.join(' ')} ended before its time`);
    } finally {
      child.kill();
    }
  }

  /** Resolves once the StatefulSet, Deployment or DaemonSet has all its pods, of the newest template, and ready. */
  async rolledOut(workload: string, timeoutS = 600): Promise<void> {
    await this.#explained(this.kubectl(['rollout', 'status', workload, '--timeout', `${timeoutS}s`]));
  }

  async #explained<T>(command: Promise<T>): Promise<T> {
    try {
      return await command;
    } catch (error) {
      throw new Error(`${String(error)}\n${await this.#goingsOn()}`, { cause: error });
    }
  }

  /** The nodes, the namespace's pods and volumes, its events, and the last lines of each pod that is not ready. */
  async #goingsOn(): Promise<string> {
    const ask = (...args: readonly string[]): Promise<string> => this.kubectl(args).catch(String);
    const pods = await this.json<{ readonly items: readonly Pod[] }>(['get', 'pods']).catch(() => ({ items: [] }));
    const answers = await Promise.all([
      ask('describe', 'nodes'),
      ask('get', 'pods,persistentvolumeclaims,jobs', '--output', 'wide'),
      ask('get', 'events', '--sort-by', '.lastTimestamp'),
      ...pods.items
        .filter((pod) => !isReady(pod))
        .map(({ metadata }) => ask('logs', metadata.name, '--all-containers', '--prefix', '--tail', '20')),
    ]);
    return answers.join('\n\n');
  }

  /** Decoded. */
  async secret(name: string, key: string): Promise<string> {
    const { data } = await this.json<{ readonly data: Readonly<Record<string, string>> }>(['get', 'secret', name]);
    return Buffer.from(data[key] ?? '', 'base64').toString();
  }

  async clusterIp(service: string): Promise<string> {
    return this.kubectl(['get', 'service', service, '--output', 'jsonpath={.spec.clusterIP}']);
  }

  /** In the background: the next run waits for its end. KEYFERRY_TEST_KEEP keeps it, to be looked at. */
  async delete(): Promise<void> {
    if (process.env['KEYFERRY_TEST_KEEP'] !== undefined) return;
    await kubectl(['delete', 'namespace', this.name, '--wait=false']);
  }
}
