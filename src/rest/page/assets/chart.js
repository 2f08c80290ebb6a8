import { shortCount, latency, rate } from './format.js';
import uPlot from './uplot.js';

/** What a chart shows: the latest five minutes, one point a second. */
const POINTS = 300;

/** @typedef {{ readonly label: string, readonly color: string, readonly heightPx: number, readonly least: number, readonly tick: (value: number) => string, readonly say: (value: number | null) => string }} Look */

/** @type {{ readonly throughput: Look, readonly latency: Look }} */
const LOOKS = {
  throughput: {
    label: 'per second',
    color: '--throughput',
    heightPx: 92,
    least: 10,
    tick: shortCount,
    say: (value) => (value === null ? '–' : `${rate(value)} per second`),
  },
  latency: {
    label: 'p99',
    color: '--latency',
    heightPx: 64,
    least: 2,
    tick: (ms) => (ms < 1_000 ? `${ms} ms` : `${shortCount(ms / 1_000)} s`),
    say: (value) => `p99 ${latency(value)}`,
  },
};

/** @param {string} name of a custom property: canvases know no CSS */
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Throughput and p99 of one flow, one above the other on the same time axis, under one cursor. */
export class FlowChart {
  #host;
  #readout;
  /** @type {number[]} Unix seconds */
  #times = [];
  /** @type {(number | null)[]} */
  #perSecond = [];
  /** @type {(number | null)[]} */
  #p99Ms = [];
  /** @type {uPlot[]} */
  #plots = [];
  #closed = new AbortController();
  #resized = new ResizeObserver(() => this.#fit());

  /**
   * @param {HTMLElement} host
   * @param {HTMLElement} readout tells the values under the cursor
   */
  constructor(host, readout) {
    this.#host = host;
    this.#readout = readout;
    this.#resized.observe(host);
    // Colours are drawn into the canvas: another scheme needs another drawing.
    const { signal } = this.#closed;
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#build(), { signal });
  }

  close() {
    this.#closed.abort();
    this.#resized.disconnect();
    for (const plot of this.#plots) plot.destroy();
  }

  /**
   * @param {number} at Unix ms
   * @param {import('./api-types.d.ts').FlowNow} now
   */
  add(at, now) {
    const last = this.#times.at(-1);
    // Seconds in which nothing was heard stay empty: a line across them would be invented.
    if (last !== undefined && at / 1_000 - last > 3) this.#push(last + 1, null, null);
    this.#push(at / 1_000, now.perSecond, now.p99Ms);
  }

  draw() {
    if (this.#plots.length === 0) this.#build();
    const [throughput, p99] = this.#plots;
    throughput?.setData([this.#times, this.#perSecond]);
    p99?.setData([this.#times, this.#p99Ms]);
  }

  /**
   * @param {number} time
   * @param {number | null} perSecond
   * @param {number | null} p99Ms
   */
  #push(time, perSecond, p99Ms) {
    for (const [list, value] of /** @type {const} */ ([
      [this.#times, time],
      [this.#perSecond, perSecond],
      [this.#p99Ms, p99Ms],
    ])) {
      /** @type {(number | null)[]} */ (list).push(value);
      if (list.length > POINTS) list.shift();
    }
  }

  #build() {
    for (const plot of this.#plots) plot.destroy();
    const sync = uPlot.sync(`flow-${crypto.randomUUID()}`);
    this.#plots = [
      new uPlot(this.#options(LOOKS.throughput, sync.key), [this.#times, this.#perSecond], this.#host),
      new uPlot(this.#options(LOOKS.latency, sync.key), [this.#times, this.#p99Ms], this.#host),
    ];
  }

  #fit() {
    const width = this.#host.clientWidth;
    for (const plot of this.#plots) if (plot.width !== width) plot.setSize({ width, height: plot.height });
  }

  /**
   * @param {Look} look
   * @param {string} sync
   * @returns {uPlot.Options}
   */
  #options(look, sync) {
    const isLast = look === LOOKS.latency;
    const line = color(look.color);
    return {
      width: Math.max(this.#host.clientWidth, 120),
      height: look.heightPx,
      padding: [6, 16, isLast ? 0 : 6, 0],
      legend: { show: false },
      cursor: { sync: { key: sync, setSeries: false }, drag: { x: false, y: false }, y: false, points: { size: 5 } },
      scales: {
        x: { time: true, range: () => this.#window() },
        y: { range: (_plot, _least, most) => [0, Math.max(look.least, (most || 0) * 1.15)] },
      },
      axes: [
        {
          show: isLast,
          size: 20,
          gap: 3,
          // Whole minutes.
          incrs: [60, 120, 300],
          space: 44,
          ...axisLook(),
          grid: { show: false },
          values: (_plot, splits) => splits.map((seconds) => clockText(seconds)),
        },
        { size: 48, gap: 5, space: 26, ...axisLook(), values: (_plot, splits) => splits.map(look.tick) },
      ],
      series: [
        {},
        { label: look.label, stroke: line, width: 1.5, fill: `${line}22`, points: { show: false }, spanGaps: false },
      ],
      hooks: { setCursor: [() => this.#tell()] },
    };
  }

  /** @returns {[number, number]} Unix seconds */
  #window() {
    const end = this.#times.at(-1) ?? Date.now() / 1_000;
    return [end - POINTS, end];
  }

  #tell() {
    const index = this.#plots[0]?.cursor.idx;
    if (index == null) {
      this.#readout.textContent = '';
      return;
    }
    const [perSecond = null, p99Ms = null] = [this.#perSecond[index], this.#p99Ms[index]];
    const at = clockText(this.#times[index] ?? 0, true);
    this.#readout.textContent = `${at} · ${LOOKS.throughput.say(perSecond)} · ${LOOKS.latency.say(p99Ms)}`;
  }
}

const axisLook = () => ({
  stroke: color('--muted'),
  font: `11px ${color('--sans')}`,
  grid: { stroke: color('--line'), width: 1 },
  ticks: { show: false },
});

/**
 * @param {number} seconds Unix
 * @param {boolean} [isExact]
 */
const clockText = (seconds, isExact) => new Date(seconds * 1_000).toTimeString().slice(0, isExact === true ? 8 : 5);
