import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { dashboardDocument } from '../../../scripts/docs-dashboard.ts';
import { createMetrics } from '../../../src/observability/create-metrics.ts';
import { selectedBy } from './promql.ts';

const FILES = new URL('../../../helm/keyferry/files/', import.meta.url);
const dashboardText = readFileSync(new URL('dashboard.json', FILES), 'utf8');
const dashboard = JSON.parse(dashboardText) as {
  readonly panels: readonly {
    readonly title: string;
    readonly description?: string;
    readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
};
const { groups } = parse(readFileSync(new URL('alerts.yaml', FILES), 'utf8')) as {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert?: string;
      readonly record?: string;
      readonly expr: string;
      readonly labels?: Readonly<Record<string, string>>;
      readonly annotations?: Readonly<Record<string, string>>;
    }[];
  }[];
};
const recorded = groups.flatMap(({ rules }) => rules.filter(({ record }) => record !== undefined));
const rules = groups.flatMap((group) =>
  group.rules.flatMap(({ alert, expr, labels = {}, annotations = {} }) =>
    alert === undefined ? [] : [{ alert, expr, labels, annotations }],
  ),
);
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, legendFormat }) => ({ title, expr, legendFormat })),
);

/** Every metric, with the labels of its series, those of Prometheus' own included. */
const exported = async (): Promise<ReadonlyMap<string, ReadonlySet<string>>> => {
  const metrics = createMetrics();
  metrics.daemon({ version: '1', isReady: () => true });
  const source = metrics.source('a');
  source.pendingKeys(() => 1);
  source.pendingBytes(() => 1, 2);
  source.behind(() => 1);
  source.openGaps(() => 0);
  source.reconciled(1);
  const stream = metrics.streamSource('s');
  stream.lag(() => 1);
  stream.pending(() => 1);
  metrics.listSource('l').length(() => 1);
  metrics.sink('k').lag(() => 1);
  metrics.rest.request('command', 200);
  metrics.flowPaused('sink', 'k', () => false);
  metrics.redis.servers(() => [{ address: 'r:1', usedMemoryBytes: 1, maxMemoryBytes: 2, evictedKeys: 3 }]);
  const labelsOf = new Map<string, Set<string>>([['up', new Set(['job', 'instance'])]]);
  // What process and garbage collector do is there only once it has happened.
  labelsOf.set('nodejs_gc_duration_seconds_sum', new Set(['job', 'instance', 'kind']));
  for (const [, name = '', labels = ''] of (await metrics.text()).matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const known = labelsOf.get(name) ?? new Set(['job', 'instance']);
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.add(label);
    labelsOf.set(name, known);
  }
  return labelsOf;
};

/** What an expression names that is not exported. */
const strangers = (expression: string, known: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] =>
  selectedBy(expression).flatMap(({ metric, labels }) => {
    const has = known.get(metric);
    return has === undefined
      ? [metric]
      : labels.filter((label) => !has.has(label)).map((label) => `${metric}{${label}}`);
  });

describe('the dashboard', () => {
  it('is that of its panels (npm run docs:dashboard)', () => {
    expect(dashboardText).toBe(dashboardDocument());
  });

  it('shows only what the daemon exports, and names its series by labels that they have', async () => {
    const known = await exported();
    for (const { title, expr, legendFormat } of queries) {
      expect(strangers(expr, known), title).toEqual([]);
      const [grouping] = /by \(([^)]*)\)/.exec(expr)?.slice(1) ?? [];
      const shown = grouping?.split(', ') ?? selectedBy(expr).flatMap(({ metric }) => [...(known.get(metric) ?? [])]);
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
        expect(shown, `${title}: ${expr}`).toContain(label);
    }
    expect(queries.length).toBeGreaterThan(40);
  });

  it('shows every metric of the daemon', async () => {
    const families = [...(await exported()).keys()]
      .filter((name) => name.startsWith('keyferry_') && !/_(sum|count)$/.test(name))
      .filter((name) => name !== 'keyferry_build_info');
    const shown = new Set(queries.flatMap(({ expr }) => selectedBy(expr).map(({ metric }) => metric)));
    expect(families.filter((name) => !shown.has(name))).toEqual([]);
  });

  it('says of each panel what to make of it, and lays none over another', () => {
    const cells = new Set<string>();
    for (const { title, description, targets, gridPos } of dashboard.panels) {
      if (targets !== undefined) expect(description, title).toMatch(/\.$/);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(cells.has(`${x}/${y}`), title).toBe(false);
          cells.add(`${x}/${y}`);
        }
      }
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    }
  });
});

describe('the alert rules', () => {
  it('look only at what the daemon exports, and tell of labels that it has', async () => {
    const known = new Map(await exported());
    for (const { record = '', expr } of recorded) {
      expect(strangers(expr, known), record).toEqual([]);
      known.set(record, new Set(['job', 'instance', 'source', 'sink']));
    }
    for (const { alert, expr, annotations } of rules) {
      expect(strangers(expr, known), alert).toEqual([]);
      const labels = selectedBy(expr).flatMap(({ metric }) => [...(known.get(metric) ?? [])]);
      for (const [, label] of JSON.stringify(annotations).matchAll(/\$labels\.(\w+)/g))
        expect(labels, alert).toContain(label);
    }
    expect(rules.length).toBeGreaterThan(10);
  });

  it('have a section of the runbook each, and no section is left over', () => {
    const runbook = readFileSync(new URL('../../../docs/runbook.md', import.meta.url), 'utf8');
    const sections = Array.from(runbook.matchAll(/^## (Keyferry\w+)$/gm), ([, name]) => name);
    expect(rules.map(({ alert }) => alert)).toEqual(sections);
    for (const { alert, annotations } of rules)
      expect(annotations['runbook_url']).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
  });

  it('say how urgent they are', () => {
    for (const { alert, labels } of rules) expect(['critical', 'warning'], alert).toContain(labels['severity']);
  });
});

describe('docs/metrics.md', () => {
  const document = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');

  it('lists every metric with its labels, and no other', async () => {
    const listed = Array.from(
      document.matchAll(/^\| `(?!keyferry_)(\w+)` +\| ([^|]*?) *\|/gm),
      ([, name = '', labels = '']) => ({
        name: `keyferry_${name}`,
        labels: labels.split(/, | or /).filter((label) => label !== ''),
      }),
    );
    const families = [...(await exported())]
      .filter(([name]) => name.startsWith('keyferry_') && !/_(sum|count)$/.test(name))
      .map(([name, labels]) => ({
        name: name.replace(/_bucket$/, ''),
        labels: [...labels].filter((label) => !['job', 'instance', 'le'].includes(label)),
      }));
    const byName = (one: { readonly name: string }, other: { readonly name: string }): number =>
      one.name.localeCompare(other.name);
    expect(listed.toSorted(byName)).toEqual(families.toSorted(byName));
  });

  it('has formulas that name what the daemon exports', async () => {
    const known = await exported();
    const formulas = Array.from(document.matchAll(/^```promql\n([^]*?)^```$/gm), ([, block = '']) =>
      block.trim().split('\n'),
    );
    for (const formula of formulas.flat()) expect(strangers(formula, known), formula).toEqual([]);
    expect(formulas.flat().length).toBeGreaterThan(10);
  });
});
