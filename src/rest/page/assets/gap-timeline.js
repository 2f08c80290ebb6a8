import { element, setText } from './dom.js';
import { latency, span, time } from './format.js';

/** @typedef {import('./api-types.d.ts').PastGap} PastGap */

const MINUTE = 60_000;
/** How far back the line reaches: the shortest of these that shows every gap that is remembered. */
const REACHES = [10 * MINUTE, 60 * MINUTE, 6 * 60 * MINUTE, 24 * 60 * MINUTE, 7 * 24 * 60 * MINUTE];
/** Rows below the line. */
const ROWS = 50;

/** @param {PastGap} gap @param {number} now */
const lengthMs = (gap, now) => (gap.closedAt ?? now) - gap.openedAt;

/** @param {number} ms */
const length = (ms) => (ms < 10_000 ? latency(ms) : span(ms));

/** @param {readonly PastGap[]} gaps @param {number} now */
const reachOf = (gaps, now) => {
  const oldest = Math.min(now, ...gaps.map(({ openedAt }) => openedAt));
  return REACHES.find((reach) => now - oldest <= reach) ?? now - oldest;
};

/**
 * The line, with a bar for each gap. Positions are set through the style object, which no content security policy minds.
 * @param {HTMLElement} host
 * @param {readonly PastGap[]} gaps
 * @param {number} now
 */
const drawBars = (host, gaps, now) => {
  const reach = reachOf(gaps, now);
  const bars = gaps.map((gap) => {
    const bar = element('span', gap.closedAt === null ? 'gap open' : 'gap');
    const end = gap.closedAt ?? now;
    bar.style.left = `${Math.max(0, 100 - ((now - gap.openedAt) / reach) * 100)}%`;
    bar.style.right = `${Math.max(0, ((now - end) / reach) * 100)}%`;
    bar.title = `${gap.cause} · ${gap.scope} · ${length(lengthMs(gap, now))}`;
    return bar;
  });
  host.replaceChildren(...bars);
  return reach;
};

/** @param {PastGap} gap @param {number} now */
const row = (gap, now) => {
  const isOpen = gap.closedAt === null;
  const text = length(lengthMs(gap, now));
  return element(
    'li',
    isOpen ? 'open' : '',
    element('span', 'figure', time(gap.openedAt, now)),
    element('span', '', gap.cause),
    element('span', 'muted', gap.scope),
    element('span', 'figure', isOpen ? `open for ${text}` : text),
  );
};

/** The gaps of one flow: a line of time, what it says in words, and a list. */
export class GapTimeline {
  #parts;
  #drawn = '';

  /** @param {{ line: HTMLElement, from: HTMLElement, words: HTMLElement, list: HTMLElement }} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /**
   * @param {readonly PastGap[]} gaps
   * @param {number} now by the daemon's clock
   */
  draw(gaps, now) {
    const sorted = [...gaps].sort((one, other) => other.openedAt - one.openedAt);
    const open = sorted.filter(({ closedAt }) => closedAt === null).length;
    const reach = drawBars(this.#parts.line, sorted, now);
    setText(this.#parts.from, `${span(reach)} ago`);
    setText(this.#parts.words, words(sorted, open, now));
    // An open gap's row counts on; the others stay as they are.
    const state = `${sorted.length} ${sorted[0]?.openedAt ?? 0} ${open === 0 ? 0 : now}`;
    if (state === this.#drawn) return;
    this.#drawn = state;
    this.#parts.list.replaceChildren(...sorted.slice(0, ROWS).map((gap) => row(gap, now)));
  }
}

/** @param {readonly PastGap[]} sorted @param {number} open @param {number} now */
const words = (sorted, open, now) => {
  const [latest] = sorted;
  if (latest === undefined) return 'No gap';
  if (open > 0) return `${open} open now`;
  return `None open; the last one at ${time(latest.openedAt, now)}, closed after ${length(lengthMs(latest, now))}`;
};
