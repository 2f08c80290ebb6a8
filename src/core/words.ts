const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const numbers = new Intl.NumberFormat('en-US');

/** A number as people read it: `1,204`. */
export const countText = (count: number): string => numbers.format(Math.round(count));

/** `1 key`, `2 keys`. */
export const countOf = (count: number, one: string, many = `${one}s`): string =>
  `${countText(count)} ${Math.round(count) === 1 ? one : many}`;

/** A time span as people read it: `0.8 ms`, `340 ms`, `14 s`, `3 min`, `2 h 5 min`, `4 d 3 h`. */
export const durationText = (ms: number): string => {
  if (ms < 9.95) return `${Math.max(0, ms).toFixed(1).replace(/\.0$/, '')} ms`;
  if (ms < SECOND - 0.5) return `${Math.round(ms)} ms`;
  if (ms < 2 * MINUTE) return `${Math.round(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < 2 * DAY) return withRest(ms, [HOUR, 'h'], [MINUTE, 'min']);
  return withRest(ms, [DAY, 'd'], [HOUR, 'h']);
};

type Unit = readonly [ms: number, name: string];

const withRest = (ms: number, [unitMs, unit]: Unit, [restMs, rest]: Unit): string => {
  const left = Math.floor((ms % unitMs) / restMs);
  return `${Math.floor(ms / unitMs)} ${unit}${left === 0 ? '' : ` ${left} ${rest}`}`;
};
