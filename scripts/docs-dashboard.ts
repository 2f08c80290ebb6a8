/** Writes helm/keyferry/files/dashboard.json, a dashboard for Grafana 11 and later: npm run docs:dashboard */
import { writeFileSync } from 'node:fs';
import type { Panel } from './dashboard/panel.ts';
import { SECTIONS } from './dashboard/panels.ts';

const TARGET = new URL('../helm/keyferry/files/dashboard.json', import.meta.url);
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const SELECTOR = 'job=~"$job", instance=~"$instance"';

/** Columns of Grafana's grid, and how many a panel takes. */
const COLUMNS = 24;
const SIZES = { stat: { w: 3, h: 4 }, timeseries: { w: 8, h: 8 } } as const;

const colors = (limits: Panel['limits']) => ({
  mode: 'absolute',
  steps: [
    { color: limits === undefined ? 'blue' : 'green', value: null },
    ...(limits === undefined
      ? []
      : [
          { color: 'orange', value: limits[0] },
          { color: 'red', value: limits[1] },
        ]),
  ],
});

const looks = ({ kind, unit, limits }: Panel) => ({
  fieldConfig: {
    defaults: {
      unit,
      min: 0,
      ...(kind === 'stat'
        ? { color: { mode: 'thresholds' }, thresholds: colors(limits) }
        : { custom: { drawStyle: 'line', lineWidth: 1, fillOpacity: 10, showPoints: 'never' } }),
    },
    overrides: [],
  },
  options:
    kind === 'stat'
      ? { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false }, colorMode: 'value', graphMode: 'area' }
      : {
          legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
          tooltip: { mode: 'multi', sort: 'desc' },
        },
});

const panelOf = (panel: Panel, id: number, x: number, y: number) => ({
  ...{ id, type: panel.kind, title: panel.title, description: panel.description, datasource: DATASOURCE },
  gridPos: { x, y, ...SIZES[panel.kind] },
  ...looks(panel),
  targets: panel.queries.map(([expression, legendFormat], at) => ({
    refId: String.fromCharCode(65 + at),
    datasource: DATASOURCE,
    expr: expression.replaceAll('{$', `{${SELECTOR}`),
    legendFormat,
    range: true,
  })),
});

/** Section by section, each from left to right and on the next line where there is no more room. */
const layOut = (): readonly object[] => {
  const placed: object[] = [];
  let y = 0;
  for (const { title, panels } of SECTIONS) {
    placed.push({
      id: placed.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
      panels: [],
    });
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of panels) {
      const { w, h } = SIZES[panel.kind];
      if (x + w > COLUMNS) {
        x = 0;
        y += height;
      }
      placed.push(panelOf(panel, placed.length + 1, x, y));
      x += w;
      height = h;
    }
    y += height;
  }
  return placed;
};

const labelVariable = (name: string, of: string) => ({
  ...{
    name,
    label: name,
    type: 'query',
    datasource: DATASOURCE,
    query: { query: `label_values(${of}, ${name})`, refId: name },
  },
  ...{ definition: `label_values(${of}, ${name})`, refresh: 2, sort: 1, multi: true, includeAll: true, allValue: '.+' },
  current: { selected: true, text: ['All'], value: ['$__all'] },
});

export const dashboardDocument = (): string =>
  `${JSON.stringify(
    {
      uid: 'keyferry',
      title: 'Keyferry',
      description: 'Changes ferried between Redis and Kafka: whether they agree, how far behind, how fast.',
      tags: ['keyferry', 'redis', 'kafka'],
      schemaVersion: 41,
      editable: true,
      graphTooltip: 1,
      refresh: '30s',
      time: { from: 'now-1h', to: 'now' },
      timezone: 'browser',
      annotations: { list: [] },
      links: [],
      templating: {
        list: [
          {
            ...{ name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', refresh: 1 },
            current: { selected: true, text: 'default', value: 'default' },
          },
          labelVariable('job', 'keyferry_build_info'),
          labelVariable('instance', 'keyferry_build_info{job=~"$job"}'),
        ],
      },
      panels: layOut(),
    },
    null,
    2,
  )}\n`;

if (import.meta.main) writeFileSync(TARGET, dashboardDocument());
