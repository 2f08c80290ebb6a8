import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../support/eventually.ts';
import { freePorts } from '../support/ports.ts';
import { redisServer } from '../support/process-provider.ts';
import { redisAnswers } from '../support/readiness.ts';
import { ServerProcess } from '../support/server-process.ts';
import { Workplace } from '../support/workplace.ts';

const run = promisify(execFile);

export const SCRIPTS = join(import.meta.dirname, '../../helm/keyferry/files/redis');

/**
 * How a server of the tests is made: what the chart gives its pods, but for addresses and times. On a machine that stands
 * still for seconds nobody is to take over whom no test has ended.
 */
const CONF = `protected-mode no
appendonly yes
save ""
notify-keyspace-events AE
cluster-enabled yes
cluster-node-timeout 5000
repl-diskless-sync-delay 0
`;

export interface Ran {
  readonly status: number;
  readonly output: string;
}

/** One server as the chart's pod runs it: the start script in front, the probes and hooks as processes beside it. */
export class RedisPod {
  readonly #pods: RedisPods;
  readonly #at: number;
  #ip: string;
  readonly port: number;
  readonly #busPort: number;
  readonly kubernetesNode: string;
  #server: ServerProcess | undefined;

  constructor(pods: RedisPods, options: { at: number; port: number; busPort: number; kubernetesNode: string }) {
    this.#pods = pods;
    this.#at = options.at;
    this.#ip = this.#host;
    this.port = options.port;
    this.#busPort = options.busPort;
    this.kubernetesNode = options.kubernetesNode;
  }

  /** By which the others know it, whatever its address. */
  get self(): string {
    return `${this.#host}:${this.port}`;
  }

  /** Another address than that of its name. */
  get otherIp(): string {
    return `127.0.1.${10 + this.#at}`;
  }

  /** @param ip its address from now on: another one, as each pod gets. */
  async start(ip = this.#ip): Promise<void> {
    this.#ip = ip;
    mkdirSync(this.#volume, { recursive: true });
    const server = new ServerProcess(this.#pods.workplace, {
      name: 'redis-server',
      command: 'sh',
      args: [join(SCRIPTS, 'start.sh')],
      env: this.#env(),
      cwd: this.#volume,
      logFile: join(this.#pods.workplace.dir, `redis-${this.#at}.log`),
      isReady: () => redisAnswers('127.0.0.1', this.port),
    });
    await server.start();
    this.#server = server;
  }

  /** As Kubernetes ends a pod: the hook, then SIGTERM. */
  async stop(): Promise<void> {
    await this.run('stop.sh');
    await this.#server?.stop();
  }

  async kill(): Promise<void> {
    await this.#server?.kill();
  }

  loseVolume(): void {
    rmSync(this.#volume, { recursive: true });
  }

  /** Runs one of the scripts in the pod. */
  run(script: string): Promise<Ran> {
    return runScript(script, this.#env());
  }

  async isReady(): Promise<boolean> {
    return (await this.run('ready.sh')).status === 0;
  }

  /** What redis-cli answers. */
  async cli(...args: readonly string[]): Promise<string> {
    const { stdout } = await run('redis-cli', [...this.#login, '-e', ...args]);
    return stdout.trim();
  }

  /** What redis-cli answers to each, from whichever server has the key. */
  async commands(lines: readonly string[]): Promise<readonly string[]> {
    const child = run('redis-cli', [...this.#login, '-c']);
    child.child.stdin?.end(`${lines.join('\n')}\n`);
    const answers = (await child).stdout.trim().split('\n');
    return answers.filter((line) => !line.startsWith('-> Redirected'));
  }

  async role(): Promise<string> {
    return (await this.cli('ROLE')).split('\n')[0] ?? '';
  }

  /** A name that every machine knows: an address of loopback. */
  get #host(): string {
    return `127.0.0.${10 + this.#at}`;
  }

  get #login(): readonly string[] {
    const { password } = this.#pods;
    return ['-p', String(this.port), ...(password === undefined ? [] : ['--pass', password, '--no-auth-warning'])];
  }

  get #volume(): string {
    return join(this.#pods.workplace.dir, `redis-${this.#at}`);
  }

  #env(): NodeJS.ProcessEnv {
    const own = join(this.#pods.workplace.dir, `redis-${this.#at}-run`);
    mkdirSync(own, { recursive: true });
    const listens = `bind 127.0.0.1 ${this.#host} ${this.otherIp}\nport ${this.port}\ncluster-port ${this.#busPort}\n`;
    writeFileSync(join(own, 'base.conf'), CONF + listens);
    return {
      ...this.#pods.env(),
      LOCAL: `127.0.0.1:${this.port}`,
      SELF: this.self,
      POD_IP: this.#ip,
      NODE_NAME: this.kubernetesNode,
      CONF_FILE: join(own, 'base.conf'),
      USERS_FILE: join(own, 'users'),
      DATA_DIR: this.#volume,
      RUN_DIR: own,
    };
  }
}

/** The pods of one StatefulSet, on three Kubernetes nodes, and the Jobs beside them. Real servers, real scripts. */
export class RedisPods {
  readonly workplace = new Workplace();
  readonly pods: RedisPod[] = [];
  readonly password: string | undefined;
  #path: string | undefined;
  #count = 0;

  /** @param options `path`: of the programs that there are in the image; if not given, those of this machine. */
  constructor(options: { readonly password?: string; readonly path?: string } = {}) {
    this.password = options.password;
    this.#path = options.path;
    if (options.password !== undefined) writeFileSync(join(this.workplace.dir, 'password'), `${options.password}\n`);
  }

  /** Starts pods until there are so many. @param nodeOf the Kubernetes node of each; round robin over three if not given. */
  async grow(count: number, nodeOf = (at: number): string => `node-${at % 3}`): Promise<void> {
    this.#path ??= `${dirname(await redisServer())}:${process.env['PATH'] ?? ''}`;
    const wanted = count - this.pods.length;
    const ports = await freePorts(2 * wanted);
    const added = ports.slice(wanted).map((port, nth) => {
      const at = this.#count++;
      return new RedisPod(this, { at, port, busPort: ports[nth] ?? 0, kubernetesNode: nodeOf(at) });
    });
    this.pods.push(...added);
    this.#tell();
    await Promise.all(added.map((pod) => pod.start()));
  }

  pod(at: number): RedisPod {
    const pod = this.pods[at];
    if (pod === undefined) throw new Error(`there is no pod ${at}`);
    return pod;
  }

  /** The Job of install and upgrade. */
  clusterJob(masters: number): Promise<Ran> {
    return runScript('cluster.sh', { ...this.env(), LOCAL: this.pod(0).self, MASTERS: String(masters) });
  }

  /** The Job before an upgrade to so many pods. */
  shrinkJob(count: number, masters: number, strict = 'yes'): Promise<Ran> {
    this.#tell(count);
    return runScript('shrink.sh', { ...this.env(), LOCAL: this.pod(0).self, MASTERS: String(masters), STRICT: strict });
  }

  /** Ends the pods beyond so many, as the StatefulSet does. */
  async shrink(count: number): Promise<void> {
    await Promise.all(this.pods.splice(count).map((pod) => pod.stop()));
    this.#tell();
  }

  /** Asks all of them again and again, as the kubelet does, until all are ready. */
  async allReady(timeoutMs = 180_000): Promise<void> {
    const ready = async (): Promise<boolean> =>
      (await Promise.all(this.pods.map((pod) => pod.isReady()))).every((isReady) => isReady);
    await eventually(ready, { what: 'all pods to be ready', timeoutMs });
  }

  /**
   * Waits until all of them have heard of each other's roles and epochs: whoever knows an older epoch of its master is not
   * voted for, and may try again after four node timeouts only.
   */
  async allAgree(): Promise<void> {
    const agree = async (): Promise<boolean> => {
      const views = await Promise.all(this.pods.map(async (pod) => (await pod.cli('CLUSTER', 'NODES')).split('\n')));
      const told = views.map((lines) =>
        lines
          .map((line) => line.split(' '))
          // id, address, flags, master, ping, pong, epoch, link, slots
          .map(([id, , flags = '', master, , , epoch, , ...slots]) => [
            id,
            flags.includes('master'),
            master,
            epoch,
            slots,
          ])
          .map((node) => JSON.stringify(node))
          .sort()
          .join(),
      );
      return new Set(told).size === 1;
    };
    await eventually(agree, { what: 'all pods to tell the same of the cluster' });
  }

  /** Who is a master now. */
  async masters(): Promise<readonly RedisPod[]> {
    const roles = await Promise.all(this.pods.map((pod) => pod.role()));
    return this.pods.filter((_, at) => roles[at] === 'master');
  }

  /** Port of a replica -> port of its master. */
  async follows(): Promise<ReadonlyMap<number, number>> {
    const roles = await Promise.all(this.pods.map(async (pod) => (await pod.cli('ROLE')).split('\n')));
    return new Map(
      this.pods.flatMap((pod, at) => (roles[at]?.[0] === 'slave' ? [[pod.port, Number(roles[at][2])]] : [])),
    );
  }

  env(): NodeJS.ProcessEnv {
    return {
      PATH: this.#path,
      SCRIPTS,
      CLUSTER: 'yes',
      PEERS_FILE: join(this.workplace.dir, 'peers'),
      PAUSE_SECONDS: '0.2',
      ANSWER_SECONDS: '30',
      ...(this.password === undefined ? {} : { PASSWORD_FILE: join(this.workplace.dir, 'password') }),
    };
  }

  #tell(count = this.pods.length): void {
    const lines = this.pods.slice(0, count).map(({ self }) => `${self}\n`);
    writeFileSync(join(this.workplace.dir, 'peers'), lines.join(''));
  }
}

/** What a script said, and how it ended. */
const runScript = async (script: string, env: NodeJS.ProcessEnv): Promise<Ran> => {
  try {
    const { stdout } = await run('sh', [join(SCRIPTS, script)], { env });
    return { status: 0, output: stdout };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: number; stdout?: string; stderr?: string };
    if (typeof code !== 'number') throw error;
    return { status: code, output: `${basename(script)}: ${stdout}${stderr}` };
  }
};
