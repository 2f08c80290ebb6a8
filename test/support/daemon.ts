import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { eventually } from './eventually.ts';
import { freePort } from './ports.ts';
import { Workplace } from './workplace.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

const LOOKS_WHEN_SETTLED = 5;
/** Hundreds of thousands of keys, on a machine that has little to give. */
const PATIENCE_MS = 180_000;

interface GapRow {
  readonly cause: string;
  readonly scope: string;
}

/** As /api/v1/status tells it, as far as tests look at it. */
export interface DaemonStatus {
  readonly ready: boolean;
  readonly sources: readonly {
    readonly name: string;
    readonly state: string;
    readonly masters?: readonly { readonly address: string; readonly feed: 'up' | 'down'; readonly slots: number }[];
    readonly databases: readonly {
      readonly keysPublished: number;
      readonly keysPending: number;
      readonly gapsOpen: readonly GapRow[];
      readonly gapsClosed: readonly GapRow[];
      readonly reconcile?: { readonly phase: string; readonly keysDone: number; readonly keysEstimated: number };
    }[];
  }[];
}

type Databases = DaemonStatus['sources'][number]['databases'];

/** The daemon as its users run it: a process of its own, a configuration file, HTTP, signals. */
export class Daemon {
  /** The process ends with ours, whatever becomes of the test. */
  readonly #workplace = new Workplace();
  readonly #config: { readonly http?: object };
  readonly port: number;
  #child: ChildProcess | undefined;
  #output = '';

  private constructor(port: number, config: { readonly http?: object }) {
    this.port = port;
    this.#config = config;
  }

  /** @param config as in the YAML file; its HTTP port and state are filled in. */
  static async create(config: object): Promise<Daemon> {
    return new Daemon(await freePort(), config);
  }

  /** Everything that it wrote to stdout and stderr. */
  get output(): string {
    return this.#output;
  }
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    const file = join(this.#workplace.dir, 'keyferry.yaml');
    const state = { path: join(this.#workplace.dir, 'state') };
    const { http, ...config } = this.#config;
    const all = { http: { port: this.port, ...http }, state, log: { level: 'debug' }, ...config };
    await writeFile(file, stringify(all));
    const child = spawn(process.execPath, [MAIN, 'run', '--config', file], { stdio: ['ignore', 'pipe', 'pipe'] });
    const collect = (chunk: Buffer): void => {
      this.#output += chunk.toString();
    };
    const server = `process ${child.pid ?? 0}`;
    this.#workplace.guard(server);
    child.once('exit', () => {
      this.#workplace.release(server);
    });
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    this.#child = child;
  }

  /** What `keyferry verify` says of the same configuration, from a process of its own. */
  async verify(): Promise<{ readonly status: number | null; readonly output: string }> {
    const file = join(this.#workplace.dir, 'keyferry.yaml');
    const child = spawn(process.execPath, [MAIN, 'verify', '--config', file], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [status] = (await once(child, 'close')) as [number | null];
    return { status, output };
  }

  /** SIGKILL, and whatever it leaves behind stays. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGTERM; gives the exit status. */
  async stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  /** SIGSTOP: it is there and does nothing. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }
  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Takes the state store away. */
  async loseState(): Promise<void> {
    await rm(join(this.#workplace.dir, 'state'), { recursive: true });
  }

  async dispose(): Promise<void> {
    await this.#end('SIGKILL');
    await this.#workplace.close();
  }

  /** On a connection of its own: one that is kept may end, with the daemon or for want of use, just when it is used again. */
  async fetch(path: string, { headers, ...init }: RequestInit = {}): Promise<Response> {
    const ownConnection = new Headers(headers);
    ownConnection.set('connection', 'close');
    return fetch(`http://127.0.0.1:${this.port}${path}`, { ...init, headers: ownConnection });
  }

  async get(path: string): Promise<Response> {
    return this.fetch(path);
  }

  /** @throws where it is refused */
  async put(path: string): Promise<void> {
    const answer = await this.fetch(path, { method: 'PUT' });
    if (!answer.ok) throw new Error(`PUT ${path}: ${answer.status} ${await answer.text()}`);
  }

  async status(): Promise<DaemonStatus> {
    return (await (await this.get('/api/v1/status')).json()) as DaemonStatus;
  }

  /** The sum of the series of a metric whose name and labels begin so. */
  async metric(series: string): Promise<number> {
    const text = await (await this.get('/metrics')).text();
    const lines = text.split('\n').filter((line) => line.startsWith(series));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  /** Waits until the first source runs, no gap is open and no key waits: with no writes going on. */
  async settled(timeoutMs = PATIENCE_MS): Promise<void> {
    // A notification may be on its way between Redis and the daemon: it must stay settled for a few looks.
    let looks = 0;
    await this.#waitFor('settled', timeoutMs, (databases) => {
      const isSettled = databases.every(({ gapsOpen, keysPending }) => gapsOpen.length === 0 && keysPending === 0);
      looks = isSettled ? looks + 1 : 0;
      return looks >= LOOKS_WHEN_SETTLED;
    });
  }

  /** Waits until the first source runs and no gap is open, whatever is being written. */
  async withoutGap(): Promise<void> {
    await this.#waitFor('without a gap', PATIENCE_MS, (databases) =>
      databases.every(({ gapsOpen }) => gapsOpen.length === 0),
    );
  }

  async #waitFor(what: string, timeoutMs: number, holds: (databases: Databases) => boolean): Promise<void> {
    const probe = async (): Promise<boolean> => {
      const [source] = (await this.status()).sources;
      return source?.state === 'running' && holds(source.databases);
    };
    await eventually(probe, { timeoutMs, what: `the source to be ${what}` }).catch((error: unknown) => {
      throw new Error(`${String(error)}; the daemon's last words:\n${this.#output.slice(-3_000)}`, { cause: error });
    });
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    // Not `exit`: its last words may come after that.
    const gone = once(child, 'close');
    child.kill(signal);
    await gone;
    return child.exitCode;
  }
}
