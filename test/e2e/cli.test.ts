import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { stringify } from 'yaml';
import { eventually } from '../support/eventually.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';

const ROOT = join(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'src/main.ts');

let directory: string;
let redis: RedisServer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'keyferry-cli-'));
  redis = await (await stackProvider()).startRedis();
});

afterAll(async () => {
  rmSync(directory, { recursive: true });
  await redis.kill();
});

/** The environment of a process that nobody configured. */
const bare = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('KEYFERRY_')));

const start = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) => {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: directory, env: { ...bare, ...environment } });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const ended = once(child, 'close').then(() => ({ ...output, status: child.exitCode }));
  return { child, output, ended };
};

const keyferry = (args: readonly string[], environment?: Readonly<Record<string, string>>) =>
  start(args, environment).ended;

const configFile = (name: string, config: object | string): string => {
  const file = join(directory, name);
  writeFileSync(file, typeof config === 'string' ? config : stringify(config));
  return file;
};

/** A configuration on the servers of the tests. */
const working = (changes: object = {}): object => ({
  redis: { url: redis.url },
  kafka: { brokers: inject('kafkaBrokers') },
  http: { port: 0 },
  state: { path: join(directory, 'state') },
  sources: [{ name: 'all', topic: `cli-${process.pid}` }],
  ...changes,
});

const NO_TRACE = expect.not.stringMatching(/^\s+at /m) as string;

describe('keyferry', () => {
  it('tells its version', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(await keyferry(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each([[['--help']], [['run', '--help']], [['verify', '-h']]])('explains itself: %j', async (args) => {
    const { status, stdout, stderr } = await keyferry(args);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('Usage: keyferry');
  });

  it.each([
    ['no command', []],
    ['an unknown command', ['walk']],
    ['an unknown option', ['run', '--confg', 'x']],
    ['no configuration', ['run']],
  ])('refuses %s with 2 and one line', async (_, args) => {
    const { status, stdout, stderr } = await keyferry(args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^keyferry: KF_USAGE: [^\n]*\n$/);
  });

  it.each(['run', 'check', 'verify', 'config'])(
    '%s names everything that is wrong with a configuration, and ends with 2',
    async (command) => {
      const file = configFile(
        'wrong.yaml',
        'log: { levle: info }\nhttp: { port: high }\nsources: [{ name: a, reconcileEvery: 1 }]',
      );
      const { status, stdout, stderr } = await keyferry([command, '--config', file]);
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr.split('\n')).toEqual([
        `keyferry: KF_CONFIG_INVALID: ${file} cannot be used:`,
        `${file}:1: log.levle is unknown: remove it; the nearest known key is log.level`,
        `${file}:2: http.port must be an integer from 0 to 65535: value was "high"`,
        expect.stringContaining(`${file}:3: sources[0].reconcileEvery must be a duration`),
        '',
      ]);
    },
  );

  it('ends with 2 for a configuration that is not there', async () => {
    const { status, stderr } = await keyferry(['run', '--config', 'nowhere.yaml']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^keyferry: KF_CONFIG_INVALID: nowhere\.yaml cannot be read: ENOENT[^\n]*\n$/);
  });
});

describe('keyferry config', () => {
  it('prints what is in effect from file, environment and defaults, without the password', async () => {
    const file = configFile('secret.yaml', 'redis: { url: "redis://me:${PW}@h" }\nsources: [{ name: a }]');
    const environment = { PW: 'geheim', KEYFERRY_CONFIG: file, KEYFERRY_LOG_LEVEL: 'warn' };
    const { status, stdout, stderr } = await keyferry(['config'], environment);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('url: redis://me:***@h\n');
    expect(stdout).toContain('level: warn\n');
    expect(stdout).toContain('reconcileEvery: 1h\n');
    expect(stdout).not.toContain('geheim');
  });
});

describe('keyferry check', () => {
  it('ends with 0 where all is fine', async () => {
    const { status, stdout } = await keyferry(['check', '-c', configFile('fine.yaml', working())]);
    expect(stdout).toMatch(/^0 failed, /m);
    expect(status).toBe(0);
  });

  it('ends with 1 where something fails', async () => {
    const config = working({ sources: [{ name: 'all', topic: 'cli-x', notifications: 'require' }] });
    const { status, stdout } = await keyferry(['check', '-c', configFile('off.yaml', config)]);
    expect(stdout).toMatch(/^FAIL .*notify-keyspace-events/m);
    expect(status).toBe(1);
  });

  it('ends with 3 where a server is out of reach', async () => {
    const config = working({ redis: { url: 'redis://127.0.0.1:1' } });
    const { status, stdout, stderr } = await keyferry(['check', '-c', configFile('away.yaml', config)]);
    expect(stdout).toMatch(/^FAIL {2}redis 127\.0\.0\.1:1 /m);
    expect([status, stderr]).toEqual([3, NO_TRACE]);
  });
});

describe('keyferry verify', () => {
  it('ends with 1 where there is drift, and prints it', async () => {
    const client = new Redis(redis.port, redis.host);
    await client.set('lonely', '1');
    const config = working({ sources: [{ name: 'all', topic: `cli-none-${process.pid}` }] });
    const { status, stdout } = await keyferry(['verify', '-c', configFile('drift.yaml', config)]);
    await client.del('lonely');
    client.disconnect();
    expect(stdout).toContain('missing   all  db0  "lonely"\n');
    expect(status).toBe(1);
  });

  it('ends with 3 where Kafka is out of reach', async () => {
    const config = working({ kafka: { brokers: ['127.0.0.1:2'] } });
    const { status, stderr } = await keyferry(['verify', '-c', configFile('away.yaml', config)]);
    expect([status, stderr]).toEqual([3, expect.stringMatching(/^keyferry: KF_KAFKA_UNAVAILABLE: [^\n]*\n$/)]);
  });
});

describe('keyferry run', () => {
  const isReady = (output: { stdout: string }) => () => output.stdout.includes('"msg":"keyferry runs"');

  it.each(['SIGTERM', 'SIGINT'] as const)('drains at %s and ends with 0', async (signal) => {
    const { child, output, ended } = start(['run', '-c', configFile('run.yaml', working())]);
    await eventually(isReady(output), { what: 'the daemon to run' });
    child.kill(signal);
    const { status, stderr } = await ended;
    expect([status, stderr]).toEqual([0, `keyferry: ${signal}: draining; a second one ends at once\n`]);
  });

  it('waits for servers that are away, says so, and still ends at once when told to', async () => {
    const config = working({ redis: { url: 'redis://127.0.0.1:1' }, kafka: { brokers: ['127.0.0.1:2'] } });
    const { child, output, ended } = start(['run', '-c', configFile('waiting.yaml', config)]);
    await eventually(() => /"code":"KF_REDIS_UNAVAILABLE"/.test(output.stdout), { what: 'the daemon to wait' });
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ status: 0, stderr: NO_TRACE });
  });

  it('ends at once at a second signal, where draining takes long', async () => {
    const { child, output, ended } = start(['run', '-c', configFile('frozen.yaml', working())]);
    await eventually(() => output.stdout.includes('the store holds what the topic holds'), {
      what: 'the source to run',
    });
    await redis.freeze();
    try {
      child.kill('SIGTERM');
      await eventually(() => output.stderr.includes('draining'), { what: 'the first signal to be seen' });
      child.kill('SIGTERM');
      expect((await ended).status).toBe(143);
    } finally {
      await redis.thaw();
    }
  });

  it('ends with 3 and one line where Redis refuses the password', async () => {
    const { hostname, port } = new URL(redis.url);
    const config = working({ redis: { url: `redis://nobody:geheim@${hostname}:${port}` } });
    const { status, stdout, stderr } = await keyferry(['run', '-c', configFile('auth.yaml', config)]);
    expect(status).toBe(3);
    expect(stderr).toMatch(/^keyferry: KF_REDIS_AUTH: [^\n]*\n$/);
    expect(stdout + stderr).not.toContain('geheim');
  });

  it('ends with 1 and one line where its port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const { status, stderr } = await keyferry(['run', '-c', configFile('port.yaml', working({ http: { port } }))]);
    taken.close();
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^keyferry: KF_HTTP_LISTEN: [^\n]*\n$/)]);
  });
});
