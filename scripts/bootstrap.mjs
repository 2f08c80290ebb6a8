/**
 * The one way in to the commands that start things (demo, test, test:servers, test:image, test:k8s, bench), on a fresh clone
 * too: plain JavaScript without dependencies, for any Node from 18 on. Installs what package-lock.json names, then runs the
 * real thing on a Node that is new enough: the system's, or the one that comes as a package.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const BIN = join(ROOT, 'node_modules', '.bin');
const OLDEST_NODE = [24, 6];
const INSTALL_ATTEMPTS = 3;

const [command = '', ...args] = process.argv.slice(2);
const say = (text) => process.stderr.write(`keyferry: ${text}\n`);

// A Ctrl-C reaches the children too: they end in their own time, and we after them.
process.on('SIGINT', () => {});

/** Runs to the end. Resolves with the exit status. */
const run = (program, programArgs, path = process.env.PATH, { stdio = 'inherit', env = {} } = {}) =>
  new Promise((resolve) => {
    const child = spawn(program, programArgs, { cwd: ROOT, stdio, env: { ...process.env, ...env, PATH: path } });
    child.stdout?.pipe(process.stdout, { end: false });
    child.stderr?.pipe(process.stderr, { end: false });
    const pass = (signal) => child.kill(signal);
    process.on('SIGTERM', pass);
    child.on('error', (error) => {
      say(`${program}: ${error.message}`);
      resolve(127);
    });
    child.on('close', (code, signal) => {
      process.off('SIGTERM', pass);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });

const modifiedMs = (path) => {
  try {
    return statSync(join(ROOT, path)).mtimeMs;
  } catch {
    return 0;
  }
};

const install = async () => {
  // npm writes this file last: an installation that was cut short does not have it.
  if (modifiedMs('node_modules/.package-lock.json') >= modifiedMs('package-lock.json')) return;
  say('installing dependencies');
  for (let attempt = 1; ; attempt += 1) {
    const status = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error', '--fetch-retries=5']);
    if (status === 0) return;
    if (status === 130 || attempt === INSTALL_ATTEMPTS) process.exit(status);
    say('trying again, as the network may have failed for a moment');
  }
};

const isNewEnough = (version) => {
  const [major, minor] = version.replace(/^v/, '').split('.').map(Number);
  return major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
};

/** npm puts node_modules/.bin first on the PATH, so that it is npm's own Node that tells the system's. */
const findNode = () => {
  const system = process.env.npm_node_execpath ?? process.execPath;
  return isNewEnough(execFileSync(system, ['--version'], { encoding: 'utf8' })) ? system : join(BIN, 'node');
};

await install();
const node = findNode();
const path = [dirname(node), BIN, process.env.PATH].join(delimiter);
const npmRun = (script) => run('npm', ['run', '--silent', script], path);

/** They run side by side, as most tests wait for servers and faults; the ports of one's servers are not the other's. */
const COLUMNS = [
  { ports: '12000-17000', projects: ['unit', 'property', 'chart', 'contract', 'integration'] },
  { ports: '17000-22000', projects: ['page', 'e2e'] },
];

/** Everything that must hold; says in its last line how many tests passed and failed. A broken check counts as one. */
const test = async () => {
  const checks = await check('static');
  const build = await check('build');
  if (build.failed > 0) return summary([checks, build]);
  const columns = COLUMNS.map(({ ports, projects }) => ({
    options: projects.flatMap((name) => ['--project', name]),
    env: { KEYFERRY_TEST_PORTS: ports },
  }));
  return summary([checks, await runTests(...(args.length > 0 ? [{ options: args }] : columns))]);
};

/** An npm script that is no test: it counts only when it fails. */
const check = async (script) => {
  const broken = (await npmRun(script)) !== 0;
  return { ...NONE, failed: Number(broken), failures: broken ? [`npm run ${script}, see above`] : [] };
};

/** Those of the contract that bring no servers of their own as local processes. */
const CONTAINER_SUITES = ['stack', 'redis-client', 'redis-subscription', 'redis-capabilities', 'kafka-drivers'];

/** The image; then the stack of the tests once more, with Redis and Kafka in containers. */
const testImage = async () => {
  const image = await runTests({ options: ['--config', 'test/image/vitest.config.ts', ...args] });
  say(
    `contract suites with servers in containers: ${CONTAINER_SUITES.join(', ')} (the others need local processes, or minutes)`,
  );
  process.env.KEYFERRY_TEST_STACK = 'containers';
  const contract = await runTests({ files: CONTAINER_SUITES.map((name) => `test/contract/${name}.test.ts`) });
  return summary([image, contract]);
};

/** The chart, on the cluster that KUBECONFIG points at. */
const testKubernetes = async () =>
  summary([await runTests({ options: ['--config', 'test/k8s/vitest.config.ts', ...args] })]);

const NONE = { passed: 0, failed: 0, skipped: 0, failures: [], unsteady: [] };

/** With more than these there is no second try: that much does not fail by chance. */
const MOST_FILES_AGAIN = 3;

/**
 * Runs of vitest, side by side. The files in which something failed then run once more, by themselves: what they do in peace counts,
 * and what they failed with before is told as unsteady. Whoever names tests wants to see them fail: there it is the first try that counts.
 */
const runTests = async (...runs) => {
  const firsts = await Promise.all(runs.map(vitest));
  const failing = firsts.map(({ files }) => Object.keys(files).filter((file) => files[file].failed > 0));
  const again = args.length === 0 && failing.flat().length <= MOST_FILES_AGAIN;
  const counts = [];
  for (const [at, first] of firsts.entries()) {
    const second = again && failing[at].length > 0 ? await vitest({ ...runs[at], files: failing[at] }) : NOTHING;
    counts.push(...Object.values({ ...first.files, ...second.files }), first.outside, second.outside);
    const passed = Object.keys(second.files).filter((file) => second.files[file].failed === 0);
    counts.push({ ...NONE, unsteady: passed.flatMap((file) => first.files[file].failures) });
  }
  return sum(counts);
};

const NOTHING = { files: {}, outside: NONE };

/** What came of each file, and of all that is in none: an error outside of any test, or a run that was cut off, counts as one failure. */
const vitest = async ({ options = [], files = [], env = {} }) => {
  const dir = mkdtempSync(join(tmpdir(), 'keyferry-test-'));
  const counted = join(dir, 'counts.json');
  const reporters = ['--reporter=default', `--reporter=${join(ROOT, 'scripts/count-tests.mjs')}`];
  const vitestArgs = ['run', ...reporters, ...options, ...files];
  const status = await run(
    node,
    [join(ROOT, 'node_modules/vitest/vitest.mjs'), ...vitestArgs],
    path,
    // Not the terminal itself, which two runs would redraw at once.
    { stdio: ['inherit', 'pipe', 'pipe'], env: { ...env, KEYFERRY_TEST_COUNTS: counted } },
  );
  const ended = `vitest ${vitestArgs.join(' ')} ended with status ${status}, see above`;
  try {
    const counts = JSON.parse(readFileSync(counted, 'utf8'));
    const each = Object.fromEntries(Object.entries(counts.files).map(([file, one]) => [file, { ...NONE, ...one }]));
    const silent = status !== 0 && Object.values(each).every(({ failed }) => failed === 0);
    const failures = counts.outside.length > 0 || !silent ? counts.outside : [ended];
    return { files: each, outside: { ...NONE, failed: failures.length, failures } };
  } catch {
    return { files: {}, outside: { ...NONE, failed: 1, failures: [ended] } };
  } finally {
    rmSync(dir, { recursive: true });
  }
};

const sum = (counts) => {
  const total = (key) => counts.reduce((all, one) => all + one[key], 0);
  const all = (key) => counts.flatMap((one) => one[key]);
  return {
    passed: total('passed'),
    failed: total('failed'),
    skipped: total('skipped'),
    failures: all('failures'),
    unsteady: all('unsteady'),
  };
};

/** Names what failed once more, each paragraph after `FAILED` or `UNSTEADY`: of a long run, often only the end is kept. */
const summary = (counts) => {
  const { passed, failed, skipped, failures, unsteady } = sum(counts);
  for (const failure of unsteady) process.stdout.write(`UNSTEADY ${failure.trimEnd()}\n\n`);
  for (const failure of failures) process.stdout.write(`FAILED ${failure.trimEnd()}\n\n`);
  const rest = Object.entries({ skipped, unsteady: unsteady.length }).filter(([, count]) => count > 0);
  const words = [`${passed} passed`, `${failed} failed`, ...rest.map(([word, count]) => `${count} ${word}`)];
  process.stdout.write(`${words.join(', ')}\n`);
  return failed > 0 || passed === 0 ? 1 : 0;
};

const built = async (script) => {
  const status = await npmRun('build');
  if (status !== 0) return status;
  // kafkajs, which looks at topics from outside here, sets timers in the past; it does no harm.
  return run(node, ['--disable-warning=TimeoutNegativeWarning', join(ROOT, 'scripts', script), ...args], path);
};

const COMMANDS = {
  demo: () => built('demo.ts'),
  bench: () => built('bench.ts'),
  'test-servers': () => run(node, [join(ROOT, 'scripts/test-servers.ts'), ...args], path),
  test,
  'test-image': testImage,
  'test-k8s': testKubernetes,
};
const start = COMMANDS[command];
if (start === undefined) {
  say(`${command} is none of ${Object.keys(COMMANDS).join(', ')}`);
  process.exit(2);
}
process.exitCode = await start();
