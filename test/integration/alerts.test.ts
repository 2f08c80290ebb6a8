import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { findPrometheus } from '../support/prometheus.ts';
import { HEALTHY, SCENARIOS, type Scenario } from './alert-scenarios.ts';

const RULES = join(import.meta.dirname, '../../helm/keyferry/files/alerts.yaml');
const tools = await findPrometheus();
const run = promisify(execFile);

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert?: string }[] }[];
}

const promtoolTest = ({ title, series, at, fires }: Scenario) => ({
  name: title,
  interval: '1m',
  input_series: Object.entries({ ...HEALTHY, ...series })
    .filter(([, values]) => values !== '')
    .map(([name, values]) => ({ series: name, values })),
  promql_expr_test: [
    {
      expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
      eval_time: `${at}m`,
      exp_samples: fires.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 })),
    },
  ],
});

describe.skipIf(tools === undefined)('the alert rules', () => {
  const promtool = tools?.promtool ?? '';

  test('are rules, as Prometheus itself reads them', async () => {
    await expect(run(promtool, ['check', 'rules', '--lint=all', '--lint-fatal', RULES])).resolves.toBeDefined();
  });

  test('fire in the trouble that they are named after, alone, and not short of it', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'keyferry-alerts-'));
    try {
      const file = join(dir, 'tests.yaml');
      const tests = SCENARIOS.map(promtoolTest);
      await writeFile(file, stringify({ rule_files: [RULES], evaluation_interval: '1m', tests }));
      await expect(run(promtool, ['test', 'rules', file])).resolves.toMatchObject({
        stdout: expect.stringContaining('SUCCESS') as string,
      });
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  test('are all among those that were seen to fire', async () => {
    const { groups } = parse(await readFile(RULES, 'utf8')) as Rules;
    const alerts = groups.flatMap(({ rules }) => rules.flatMap(({ alert }) => alert ?? []));
    expect(new Set(SCENARIOS.flatMap(({ fires }) => fires))).toEqual(new Set(alerts));
  });
});
