import { cpus, totalmem } from 'node:os';

/** A number that was measured, in the unit that its reader thinks in. */
export interface Measured {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}

/** What was measured of Keyferry, with what the issue asks for and the limits that the same run found. */
export interface Figure extends Measured {
  readonly scenario: string;
  readonly target?: { readonly atLeast: number } | { readonly atMost: number };
  /** What bare tools and loops reach here; in another unit where only the order of magnitude compares. */
  readonly limits: readonly Measured[];
}

const meets = ({ value, target }: Figure): boolean | undefined => {
  if (target === undefined) return undefined;
  return 'atLeast' in target ? value >= target.atLeast : value <= target.atMost;
};

const number = (value: number): string =>
  value.toLocaleString('en', { maximumFractionDigits: value >= 1000 ? 0 : value >= 10 ? 1 : 2 });

const targetText = (figure: Figure): string => {
  const { target } = figure;
  if (target === undefined) return '';
  const bound = 'atLeast' in target ? `>= ${number(target.atLeast)}` : `<= ${number(target.atMost)}`;
  return `${bound} ${meets(figure) === true ? 'met' : 'MISSED'}`;
};

const limitText = (figure: Figure, limit: Measured): string => {
  const compares = limit.unit === figure.unit && limit.value > 0;
  const ratio = compares ? ` (x ${number(figure.value / limit.value)})` : ` ${limit.unit}`;
  return `${limit.what}: ${number(limit.value)}${ratio}`;
};

/** One row a figure; further limits on rows of their own. */
export const table = (figures: readonly Figure[]): string => {
  const head = ['', 'measured', '', 'unit', 'target', 'limit in the same run (ratio to it)'];
  const rows = figures.flatMap((figure) => {
    const [first = '', ...more] = figure.limits.map((limit) => limitText(figure, limit));
    const row = [figure.scenario, figure.what, number(figure.value), figure.unit, targetText(figure), first];
    return [row, ...more.map((text) => ['', '', '', '', '', text])];
  });
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 2 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
};

/** The same as data, with the machine that it was measured on. */
export const json = (figures: readonly Figure[], run: object): string => {
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, memoryBytes: totalmem(), node: process.version };
  const rows = figures.map((figure) => ({ ...figure, met: meets(figure) }));
  return `${JSON.stringify({ at: new Date().toISOString(), machine, ...run, figures: rows }, undefined, 2)}\n`;
};
