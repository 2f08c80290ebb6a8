import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { Prometheus, type QueryResult, findPrometheus } from '../support/prometheus.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';

const FILES = join(import.meta.dirname, '../../helm/keyferry/files');
const tools = await findPrometheus();
const run = promisify(execFile);

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
}

/** Expressions of the dashboard, with the labels that its legend shows. */
const queries = async () => {
  const { panels } = JSON.parse(await readFile(join(FILES, 'dashboard.json'), 'utf8')) as Dashboard;
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({
      title,
      expression: expr
        .replaceAll('$__rate_interval', '1m')
        .replaceAll('$__range', '1m')
        .replaceAll(/"\$(job|instance)"/g, '".+"'),
      labels: Array.from(legendFormat.matchAll(/\{\{(\w+)\}\}/g), ([, label = '']) => label),
    })),
  );
};

describe.skipIf(tools === undefined)('a Prometheus that scrapes the daemon', () => {
  const topic = `metrics-${randomUUID()}`;
  let server: RedisServer;
  let redis: Redis;
  let daemon: Daemon;
  let prometheus: Prometheus;

  /** A daemon in which each kind of flow has carried something. */
  beforeAll(async () => {
    server = await (await stackProvider()).startRedis({ args: ['--maxmemory', '1gb'] });
    redis = new Redis(server.url);
    const sink = { topics: [topic], group: topic, redis: { url: server.url } };
    daemon = await Daemon.create({
      redis: { url: server.url },
      kafka: { brokers: [...inject('kafkaBrokers')] },
      sources: [
        { name: 'keys', include: ['key:*'], topic, canaryEvery: '1s' },
        { name: 'orders', type: 'stream', keys: ['orders'], topic: `${topic}-orders` },
        { name: 'jobs', type: 'list', keys: ['jobs'], topic: `${topic}-jobs` },
      ],
      sinks: [{ name: 'copy', ...sink, database: 1, deadLetter: `${topic}-dead` }],
    });
    await daemon.start();
    await daemon.settled();
    prometheus = await Prometheus.start(tools?.prometheus ?? '', {
      targets: [`127.0.0.1:${daemon.port}`],
      ruleFiles: [join(FILES, 'alerts.yaml')],
    });
  });
  afterAll(async () => {
    await prometheus.close();
    await daemon.dispose();
    redis.disconnect();
    await server.kill();
  });

  /** A scrape that fails, as one does that takes a second, leaves no value for a moment. */
  const valueOf = async (expression: string): Promise<QueryResult> =>
    eventually(async () => (await prometheus.query(expression))[0] ?? null, { what: `a value of ${expression}` });
  const numberOf = async (expression: string): Promise<number> => Number((await valueOf(expression)).value[1]);

  const write = async (n: number): Promise<void> => {
    await redis.set(`key:${n}`, String(n));
    await redis.xadd('orders', '*', 'n', n);
    await redis.lpush('jobs', n);
    const body = JSON.stringify(['SET', `key:rest:${n}`, 'x']);
    await fetch(`http://127.0.0.1:${daemon.port}/redis`, { method: 'POST', body });
  };

  test('finds the page well-formed, and its names as they should be', async () => {
    const page = await (await daemon.get('/metrics')).text();
    const child = run(tools?.promtool ?? '', ['check', 'metrics']);
    child.child.stdin?.end(page);
    await expect(child).resolves.toEqual({ stdout: '', stderr: '' });
  });

  test('has something to show for every expression of the dashboard', async () => {
    let n = 0;
    await eventually(
      async () => {
        // A rate needs two scrapes, with something between them.
        await write((n += 1));
        expect(await prometheus.targets()).toEqual(['up']);
        const empty: string[] = [];
        for (const { title, expression, labels } of await queries()) {
          const results = await prometheus.query(expression);
          const isNamed = results.some(({ metric }) => labels.every((label) => (metric[label] ?? '') !== ''));
          if (!isNamed) empty.push(`${title}: ${expression}`);
        }
        // Nothing here is put aside.
        expect(empty.filter((panel) => !panel.startsWith('Dead letters'))).toEqual([]);
        return true;
      },
      { timeoutMs: 120_000, what: 'every panel to have data' },
    );
  });

  test('counts what was carried, and times it', async () => {
    const records = 'sum(keyferry_source_records_total{source="keys", op="set"})';
    const before = await numberOf(records);
    await write(1_000);
    await eventually(async () => (await numberOf(records)) >= before + 2, { what: 'two records more' });
    const memory = await valueOf('keyferry_redis_maxmemory_bytes');
    expect(memory.metric['redis']).toBe(`127.0.0.1:${server.port}`);
    expect(memory.value[1]).toBe(String(2 ** 30));
    expect(await numberOf('max(keyferry_source_end_to_end_seconds_bucket{le="+Inf"})')).toBeGreaterThan(0);
  });

  test('I8: counts what a filter drops', async () => {
    const filtered = 'sum(keyferry_source_filtered_total{source="keys"})';
    const before = await numberOf(filtered);
    await redis.set('no key of the source', 'x');
    await eventually(async () => (await numberOf(filtered)) > before, { what: 'the key to be counted' });
  });

  test('has no alert while all is well, and one that waits to fire once Kafka or Redis is away', async () => {
    // A machine that stands still for a second makes a canary late, and a scrape fail.
    const alerts = async (): Promise<readonly string[]> =>
      [...(await prometheus.alerts()).keys()].filter((name) => name !== 'KeyferryCanaryLate');
    const isQuiet = async (): Promise<void> => {
      expect(await alerts()).toEqual([]);
    };
    await eventually(isQuiet, { what: 'no alert' });
    await server.freeze();
    await eventually(async () => (await alerts()).includes('KeyferryNotReady'), { what: 'the alert' });
    await server.thaw();
    await eventually(isQuiet, { what: 'no alert any more', timeoutMs: 120_000 });
  });
});
