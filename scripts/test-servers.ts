/**
 * `npm run test:servers`: what Keyferry does with a Redis, once with each server that KEYFERRY_TEST_REDIS_SERVERS names
 * (paths of redis-server or valkey-server, separated by ":").
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Not those of TLS, which a server may be built without. */
const SUITES = [
  ...['capabilities', 'client', 'subscription', 'topology', 'cluster', 'sentinel'].map(
    (name) => `test/contract/redis-${name}.test.ts`,
  ),
  ...['key-reader', 'key-reader-large', 'write-commands', 'verify', 'check', 'check-cluster'],
  ...['acl', 'cluster-acl'],
  ...['cluster-sink', 'cluster-streams', 'cluster-lists', 'cluster-rest'],
  ...['sink-types', 'sink-faults', 'plain-sink-types', 'plain-sink-append', 'plain-sink-faults'],
  ...[
    'stream-source',
    'stream-source-groups',
    'list-source',
    'redis-rest',
    'redis-rest-ack',
    'redis-rest-read-through',
  ],
].map((name) => (name.includes('/') ? name : `test/integration/${name}.test.ts`));

interface Outcome {
  readonly server: string;
  readonly counts: string;
  readonly failed: boolean;
}

const testWith = async (path: string, dir: string): Promise<Outcome> => {
  const server = execFileSync(path, ['--version'], { encoding: 'utf8' }).split(' sha=', 1)[0] ?? path;
  process.stdout.write(`\n${server} (${path})\n`);
  const countsFile = join(dir, 'counts.json');
  const reporters = ['--reporter=default', `--reporter=${join(ROOT, 'scripts/count-tests.mjs')}`];
  const child = spawn(
    process.execPath,
    [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', ...reporters, ...SUITES],
    {
      cwd: ROOT,
      stdio: 'inherit',
      env: {
        ...process.env,
        KEYFERRY_TEST_STACK: 'processes',
        KEYFERRY_TEST_REDIS_SERVER: path,
        KEYFERRY_TEST_COUNTS: countsFile,
      },
    },
  );
  const [status] = (await once(child, 'exit')) as [number | null];
  const { files } = JSON.parse(readFileSync(countsFile, 'utf8')) as { files: Record<string, Record<string, number>> };
  const total = (what: string): number => Object.values(files).reduce((sum, file) => sum + (file[what] ?? 0), 0);
  const counts = ['passed', 'failed', 'skipped'].map((what) => `${total(what)} ${what}`).join(', ');
  return { server, counts, failed: status !== 0 };
};

const paths = (process.env['KEYFERRY_TEST_REDIS_SERVERS'] ?? '').split(':').filter((path) => path !== '');
if (paths.length === 0) {
  process.stderr.write(
    'keyferry: KEYFERRY_TEST_REDIS_SERVERS names no servers: /path/redis-server:/path/valkey-server\n',
  );
  process.exit(2);
}
const dir = mkdtempSync(join(tmpdir(), 'keyferry-servers-'));
const outcomes: Outcome[] = [];
for (const path of paths) outcomes.push(await testWith(path, dir));
rmSync(dir, { recursive: true });
for (const { server, counts } of outcomes) process.stdout.write(`${server}: ${counts}\n`);
process.exitCode = outcomes.some(({ failed }) => failed) ? 1 : 0;
