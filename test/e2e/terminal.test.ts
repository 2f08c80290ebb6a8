import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { DaemonStatus } from '../../src/rest/live/status.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';
import { TerminalProcess, shownOn } from '../support/terminal.ts';
import { Workplace } from '../support/workplace.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const CTRL_C = '\u0003';
/** Stops the terminal's output, and lets it go on. */
const [CTRL_S, CTRL_Q] = ['\u0013', '\u0011'];
const ESCAPE = '\u001b';
const COLOUR = new RegExp(`${ESCAPE}\\[3\\dm`);
const LOG_LINE = /^\[\d\d:\d\d:\d\d\.\d{3}\] \w+: /;
/** A field of the line above. */
const FIELD = /^ {4}\S|^ {6}|^ {4}\]/;

let redis: RedisServer;
let client: Redis;
const workplace = new Workplace();
let terminal: TerminalProcess | undefined;

beforeAll(async () => {
  redis = await (await stackProvider()).startRedis({ debug: true });
  client = new Redis(redis.url);
});
afterEach(() => {
  terminal?.kill();
});
afterAll(async () => {
  client.disconnect();
  await redis.kill();
  await workplace.close();
});

const configure = async (log: object = {}): Promise<string> => {
  const name = `terminal-${crypto.randomUUID()}`;
  const file = join(workplace.dir, `${name}.yaml`);
  const config = {
    redis: { url: redis.url },
    kafka: { brokers: [...inject('kafkaBrokers')] },
    http: { port: await freePort() },
    state: { path: join(workplace.dir, name) },
    sources: [{ name: 'all', topic: name, partitions: 1, canaryEvery: '1s' }],
    log,
  };
  writeFileSync(file, stringify(config));
  return file;
};

const start = (args: readonly string[], options: Partial<ConstructorParameters<typeof TerminalProcess>[1]> = {}) => {
  terminal = new TerminalProcess([process.execPath, MAIN, ...args], { columns: 100, ...options });
  return terminal;
};
/** Asks a daemon's API of the same configuration. */
const ask = (file: string, path: string, options: RequestInit = {}): Promise<Response> => {
  const { http } = parse(readFileSync(file, 'utf8')) as { http: { port: number } };
  return fetch(`http://127.0.0.1:${http.port}/api/v1${path}`, options);
};
const run = async (log: object = {}, options: Parameters<typeof start>[1] = {}): Promise<TerminalProcess> =>
  start(['run', '--config', await configure(log)], options);

const LIVE_LINE = /in sync {2}to kafka \d+\/s {2}p99 \S.* {2}pending \d+ {2}gaps 0/;

describe('run on a terminal', () => {
  it('shows how things stand in one line below a log for people, and leaves a clean terminal', async () => {
    const shell = await run({ level: 'debug' });
    await shell.shows(LIVE_LINE);
    expect(shell.written).toMatch(COLOUR);
    const before = shownOn(100, shell.written);
    expect(before.at(-1)).toMatch(/^in sync/);
    // Each line of the log stands whole above it.
    for (const row of before.slice(0, -1)) if (row !== '') expect(row).toMatch(LOG_LINE.test(row) ? LOG_LINE : FIELD);
    await client.mset({ a: 1, b: 2 });
    await shell.shows(/to kafka [1-9]/);
    shell.type(CTRL_C);
    expect(await shell.ended).toBe(0);
    const after = shownOn(100, shell.written);
    expect(after.at(-1)).toBe('');
    expect(after.some((row) => row.includes('in sync'))).toBe(false);
    expect(
      after.findIndex((row) => row.endsWith('keyferry: SIGINT: draining; a second one ends at once')),
    ).toBeGreaterThan(0);
    expect(after.some((row) => row.includes('keyferry stopped'))).toBe(true);
  });

  it('shows how far the repair of a gap is', async () => {
    await client.call('DEBUG', 'POPULATE', 50_000, 'many');
    const shell = await run({}, { columns: 160 });
    await shell.shows(/repairing .*gaps 1 {2}\[#*\.*\] *\d+ % {2}[\d,]+ of about [\d,]+/);
    await shell.shows(LIVE_LINE);
    await client.flushall();
  });

  it('shows how far a snapshot is, until it has ended', async () => {
    await client.mset({ 'user:1': 'a', 'user:2': 'b' });
    const file = await configure();
    const shell = start(['run', '--config', file], { columns: 160 });
    await shell.shows(LIVE_LINE);
    // So that it is still under way when the line is drawn.
    expect((await ask(file, '/sources/all/pause', { method: 'PUT' })).status).toBe(200);
    const body = JSON.stringify({ match: 'user:*' });
    const headers = { 'content-type': 'application/json' };
    expect((await ask(file, '/sources/all/snapshot', { method: 'POST', body, headers })).status).toBe(202);
    await shell.shows(/paused .*Paused: all {2}snapshot of user:\* \[#*\.*\] *\d+ % {2}\d+ of about \d/);
    expect((await ask(file, '/sources/all/resume', { method: 'PUT' })).status).toBe(200);
    const line = (): string => shownOn(160, shell.written).at(-1) ?? '';
    await eventually(() => /^in sync .* gaps 0$/.test(line()), { what: 'the bar to go' });
  });

  it('cuts the line to the terminal, also when that is made narrower', async () => {
    const shell = await run({}, { columns: 30 });
    await shell.shows('in sync');
    const [drawn = ''] = shell.plain.split('\r').slice(-1);
    expect(drawn.length).toBeLessThan(30);
    const at = shell.written.length;
    shell.resize(12);
    await shell.shows(/\rin sync {2}to\r/);
    for (const line of shell.written.slice(at).split('\r').slice(2)) expect(line.length).toBeLessThan(40);
  });

  it('goes on with its work while the terminal stands still, and catches up then', async () => {
    const file = await configure({ level: 'debug' });
    const shell = start(['run', '--config', file]);
    await shell.shows(LIVE_LINE);
    shell.type(CTRL_S);
    const status = async (): Promise<DaemonStatus> => (await (await ask(file, '/status')).json()) as DaemonStatus;
    const stoppedAt = (await status()).at;
    const frozen = shell.written;
    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    // Three times there was a line to write, and what the log says of the gap.
    const goesOn = ({ at, sources: [source] }: DaemonStatus): boolean =>
      at > stoppedAt + 3_000 && source?.state === 'running' && source.gapHistory[0]?.cause === 'feed-lost';
    await eventually(async () => goesOn(await status()), { what: 'the gap to be repaired', timeoutMs: 60_000 });
    expect(shell.written).toBe(frozen);
    shell.type(CTRL_Q);
    await shell.shows('the notification feed is down; subscribing again');
    await shell.shows(/feed-lost[^]*in sync/);
  });

  it('keeps to black and white where that is wanted', async () => {
    const shell = await run({}, { env: { NO_COLOR: '1' } });
    await shell.shows(LIVE_LINE);
    expect(shell.written).not.toMatch(COLOUR);
    expect(shell.written).toContain(`\r${ESCAPE}[2K`);
  });

  it.each([
    ['the terminal can only print', {}, { env: { TERM: 'dumb' } }],
    ['the log is to be JSON', { format: 'json' }, {}],
  ])('is nothing but JSON lines where %s', async (_, log, options) => {
    const shell = await run(log, options);
    await shell.shows('gap closed');
    shell.type(CTRL_C);
    expect(await shell.ended).toBe(0);
    expect(shell.written).not.toContain(ESCAPE);
    const lines = shell.written.split('\r\n').filter((line) => line.startsWith('{'));
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toContain('keyferry stopped');
  });

  it('never writes the line to a pipe', async () => {
    const shell = await run({}, { redirect: '| cat' });
    await shell.shows('gap closed');
    shell.type(CTRL_C);
    await shell.ended;
    expect(shell.written).not.toContain(ESCAPE);
    expect(shell.written).toContain('"msg":"keyferry runs"');
  });
});

describe('verify on a terminal', () => {
  it('shows how far it is, and what it prints stays whole', async () => {
    await client.flushall();
    await client.call('DEBUG', 'POPULATE', 20_000, 'many');
    const file = await configure();
    const shell = start(['verify', '--config', file, '--limit', '3']);
    expect(await shell.ended).toBe(1);
    expect(shell.plain).toMatch(/all db0 {2}\[#*\.*\] *\d+ % {2}[\d,]+ of about [\d,]+ keys/);
    const rows = shownOn(100, shell.written);
    expect(rows.filter((row) => row.startsWith('missing   all  db0  '))).toHaveLength(3);
    expect(rows.slice(-2)).toEqual([
      expect.stringMatching(/^all db0: 20000 keys in Redis, 0 on the topic: 20000 missing/),
      '',
    ]);
  });

  it('prints nothing else to a file', async () => {
    const file = await configure();
    const output = join(workplace.dir, 'verify.txt');
    const shell = start(['verify', '--config', file, '--limit', '1'], { redirect: `>'${output}'` });
    expect(await shell.ended).toBe(1);
    expect(shell.plain).toContain('of about');
    expect(readFileSync(output, 'utf8')).toMatch(/^missing {3}all {2}db0 {2}\S+\nall db0: .*\n$/);
    await client.flushall();
  });
});
