/** A panel of the dashboard. `{$}` in an expression stands for the selector of the chosen jobs and instances. */
export interface Panel {
  readonly title: string;
  /** What it shows, and what to make of it. */
  readonly description: string;
  readonly kind: 'stat' | 'timeseries';
  /** Grafana's name of it: `short`, `ops`, `s`, `bytes`, `percentunit`... */
  readonly unit: string;
  /** Expressions, each with the name of its series. */
  readonly queries: readonly (readonly [expression: string, legend: string])[];
  /** From these values on it is orange, and red. */
  readonly limits?: readonly [warning: number, critical: number];
}

export interface Section {
  readonly title: string;
  readonly panels: readonly Panel[];
}

type Queries = Panel['queries'];
type Limits = Panel['limits'];

export const stat = (title: string, unit: string, expression: string, description: string, limits?: Limits): Panel => ({
  ...{ kind: 'stat', title, unit, description },
  queries: [[expression, '']],
  ...(limits && { limits }),
});

export const graph = (title: string, unit: string, queries: Queries, description: string): Panel => ({
  ...{ kind: 'timeseries', title, unit, description, queries },
});

/** Half, and all but one in a hundred, of what a histogram holds. */
export const quantiles = (histogram: string, by: string): Queries =>
  [50, 99].map((percent) => [
    `histogram_quantile(${percent / 100}, sum by (le${by === '' ? '' : `, ${by}`}) (rate(keyferry_${histogram}_bucket{$}[$__rate_interval])))`,
    `${by === '' ? '' : `{{${by}}} `}p${percent}`,
  ]);

export const perSecond = (counter: string, by: string, legend = `{{${by.replaceAll(', ', '}} {{')}}}`): Queries => [
  [`sum by (${by}) (rate(keyferry_${counter}{$}[$__rate_interval]))`, legend],
];

export const gauge = (name: string, by: string): Queries => [[`sum by (${by}) (keyferry_${name}{$})`, `{{${by}}}`]];
