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
  const headers = new Headers(options.headers);
  headers.set('connection', 'close');
  return fetch(`http://127.0.0.1:${http.port}/api/v1${path}`, { ...options, headers });
};
const run = async (log: object = {}, options: Parameters<typeof start>[1] = {}): Promise<TerminalProcess> =>
  start(['run', '--config', await configure(log)], options);

const LIVE_LINE = /in sync {2}to kafka \d+\/s {2}p99 \S.* {2}pending \d+ {2}gaps 0/;

describe('run on a terminal', () => {
  it('shows how things stand in one line below a log for people, and leaves a clean terminal', async () => {
    const columns = 250;
    const shell = await run({ level: 'debug' }, { columns });
    await shell.shows(LIVE_LINE);
    expect(shell.written).toMatch(COLOUR);
    let before: readonly string[] = [];
    const isDrawn = (): boolean => {
      before = shownOn(columns, shell.written);
      return before.at(-1)?.startsWith('in sync') ?? false;
    };
    await eventually(isDrawn, { what: 'the line to stand at the bottom' });
    // Each line of the log stands whole above it.
    for (const row of before.slice(0, -1)) if (row !== '') expect(row).toMatch(LOG_LINE.test(row) ? LOG_LINE : FIELD);
    // Enough to be some each second, on average of the last ten.
    await client.mset(Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`key:${n}`, n])));
    await shell.shows(/to kafka [1-9]/);
    shell.type(CTRL_C);
    expect(await shell.ended).toBe(0);
    const after = shownOn(columns, shell.written);
    expect(after.at(-1)).toBe('');
    expect(after.some((row) => row.includes('in sync'))).toBe(false);
    expect(
      after.findIndex((row) => row.endsWith('keyferry: SIGINT: draining; a second one ends at once')),
    ).toBeGreaterThan(0);
    expect(after.some((row) => row.includes('keyferry stopped'))).toBe(true);
  });

  it('shows how far the repair of a gap is', async () => {
    // It takes seconds, and each second the line is drawn.
    await client.call('DEBUG', 'POPULATE', 150_000, 'many');
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
    await eventually(() => /^in sync .* gaps 0$/.test(line()), { what: 'the bar to go', timeoutMs: 120_000 });
  });

  it('cuts the line to the terminal, also when that is made narrower', async () => {
    const shell = await run({}, { columns: 30 });
    /** How long the line was, each time that it was drawn. */
    const lengths = (shown: string): readonly number[] =>
      shown.split(/[\r\n]/).flatMap((drawn) => (drawn.startsWith('in sync') ? [drawn.length] : []));
    await shell.shows(/in sync[^]*in sync/);
    expect(Math.max(...lengths(shell.plain))).toBeLessThan(30);
    shell.resize(12);
    const narrow = /[\r\n]in sync {2}to\r/;
    await shell.shows(new RegExp(`${narrow.source}[^]*in sync[^]*\\r`));
    const since = shell.plain.slice(narrow.exec(shell.plain)?.index);
    expect(Math.max(...lengths(since))).toBeLessThan(12);
  });

  it('goes on with its work while the terminal stands still, and catches up then', async () => {
    const file = await configure({ level: 'debug' });
    const shell = start(['run', '--config', file]);
    await shell.shows(LIVE_LINE);
    shell.type(CTRL_S);
    const status = async (): Promise<DaemonStatus> => (await (await ask(file, '/status')).json()) as DaemonStatus;
    let frozen = '';
    let stoppedAt = 0;
    // Three times there was a line to write.
    const standsStill = async (): Promise<boolean> => {
      const { at } = await status();
      if (shell.written !== frozen) stoppedAt = at;
      frozen = shell.written;
      return at > stoppedAt + 3_000;
    };
    await eventually(standsStill, { what: 'the terminal to stand still', timeoutMs: 120_000 });
    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    const goesOn = ({ sources: [source] }: DaemonStatus): boolean =>
      source?.state === 'running' && source.gapHistory.some(({ cause }) => cause === 'feed-lost');
    await eventually(async () => goesOn(await status()), { what: 'the gap to be repaired', timeoutMs: 120_000 });
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
