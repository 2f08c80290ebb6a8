import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { freePorts } from '../support/ports.ts';
import { stackProvider } from '../support/provider.ts';
import { tool } from '../support/tools.ts';
import { Workplace } from '../support/workplace.ts';

const ROOT = join(import.meta.dirname, '../..');

/** A block of the tutorial that is to be typed, and what it shows then; undefined: that is not told. */
interface Step {
  readonly line: number;
  readonly commands: string;
  readonly shows: string | undefined;
}

/** @param topic of this run alone: others work with the same Kafka. */
const readSteps = async (topic: string): Promise<readonly Step[]> => {
  const text = await readFile(join(ROOT, 'docs/tutorial.md'), 'utf8');
  const blocks = fromMarkdown(text.replaceAll('shop.orders', topic)).children.filter((node) => node.type === 'code');
  return blocks.flatMap(({ lang, value, position }, at) => {
    const next = blocks[at + 1];
    const shows = next?.lang === 'text' ? next.value : undefined;
    return lang === 'sh' ? [{ line: position?.start.line ?? 0, commands: value, shows }] : [];
  });
};

/** `…` stands for anything. */
const looksLike = (shown: string, expected: string): boolean => {
  const parts = expected.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^]*')}$`).test(shown.replaceAll('\r', '').trim());
};

/** A shell in which a reader types one block after another. */
class Shell {
  readonly #child: ChildProcess;
  #output = '';
  errors = '';

  constructor(cwd: string, env: NodeJS.ProcessEnv) {
    // A group of its own: what it leaves in the background ends with it.
    const child = spawn('bash', ['--noprofile', '--norc'], { cwd, env, detached: true });
    child.stdout.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
    this.#child = child;
  }

  /** @returns what it printed. @throws where one of its commands failed */
  async type(commands: string): Promise<string> {
    const mark = `-- ${randomUUID()} `;
    this.#output = '';
    this.#child.stdin?.write(`failed=0; trap 'failed=$?' ERR\n${commands}\necho; echo "${mark}$failed"\n`);
    await eventually(() => this.#output.includes(mark) && this.#output.endsWith('\n'), {
      timeoutMs: 120_000,
      what: `the end of:\n${commands}`,
    });
    const [output = '', failed] = this.#output.split(mark);
    if (failed?.trim() !== '0') throw new Error(`one of these failed:\n${commands}\n${output}`);
    return output;
  }

  end(): void {
    if (this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL');
  }
}

/** Node that is new enough goes ahead of any other. */
const PATH = [dirname(process.execPath), process.env['PATH']].join(delimiter);

beforeAll(async () => {
  await promisify(execFile)('npm', ['run', '--silent', 'build'], { cwd: ROOT, env: { ...process.env, PATH } });
});

test('the tutorial works as it stands, command by command, in an empty folder', async () => {
  await tool('redis-cli', 'redis-tools');
  await tool('curl', 'curl');
  const server = await (await stackProvider()).startRedis();
  const [port = 0, salesPort = 0] = await freePorts(2);
  const workplace = new Workplace();
  const shell = new Shell(workplace.dir, {
    ...process.env,
    PATH,
    HOME: workplace.dir,
    KEYFERRY: ROOT,
    REDIS_URL: server.url,
    KAFKA_BROKERS: inject('kafkaBrokers').join(),
    KEYFERRY_HTTP_PORT: String(port),
    KEYFERRY_URL: `http://127.0.0.1:${port}`,
    SALES_PORT: String(salesPort),
  });
  onTestFinished(async () => {
    shell.end();
    await server.kill();
    await workplace.close();
  });

  const steps = await readSteps(`shop.orders-${randomUUID()}`);
  expect(steps.length).toBeGreaterThan(10);
  for (const step of steps) {
    await take(step, shell).catch(async (error: unknown) => {
      const log = await readFile(join(workplace.dir, 'shop/keyferry.log'), 'utf8').catch(() => '');
      throw new Error(`${String(error)}\n${shell.errors}\n${log.slice(-3_000)}`, { cause: error });
    });
  }
});

/** A reader takes longer than a program that starts, or a record; where we are too quick, we look again. */
const take = async ({ line, commands, shows }: Step, shell: Shell): Promise<void> => {
  if (shows === undefined) {
    await shell.type(commands);
    return;
  }
  let shown = '';
  const look = async (): Promise<boolean> => {
    shown = await shell.type(commands);
    return looksLike(shown, shows);
  };
  const what = `line ${line} to show:\n${shows}`;
  await eventually(look, { timeoutMs: 60_000, what }).catch((error: unknown) => {
    throw new Error(`${String(error)}\nIt showed:\n${shown}`, { cause: error });
  });
};
