import type { Clock } from '../core/clock.ts';
import type { Sample } from './instruments.ts';
import type { Metrics } from './metrics.ts';
import { quantile } from './quantile.ts';

/** A source and a sink may have the same name. */
export interface FlowId {
  readonly kind: 'source' | 'sink';
  readonly name: string;
}

interface Totals {
  records: number;
  unchanged: number;
  filtered: number;
  deadLetters: number;
}

export interface Figures extends Readonly<Totals> {
  /** Over the last 10 s; null: nothing passed. */
  readonly now: { readonly perSecond: number; readonly p50Ms: number | null; readonly p99Ms: number | null };
}

/** Of one flow at one moment. */
interface Reading {
  readonly totals: Totals;
  /** By upper bound in seconds: durations that were not longer. */
  readonly durations: Map<number, number>;
}

type Readings = ReadonlyMap<string, Reading>;

const WINDOW_MS = 10_000;
const EVERY_MS = 1_000;

/** Under which total a metric counts, by its last label where it has one; what is not named counts nowhere. */
const COUNTERS: Readonly<Record<string, keyof Totals | Readonly<Record<string, keyof Totals>>>> = {
  source_records_total: 'records',
  source_unchanged_total: 'unchanged',
  source_filtered_total: 'filtered',
  stream_entries_total: { published: 'records' },
  list_items_total: { published: 'records' },
  sink_records_total: {
    applied: 'records',
    superseded: 'records',
    repeated: 'unchanged',
    empty: 'filtered',
    own: 'filtered',
    reserved: 'filtered',
  },
  dead_letters_total: 'deadLetters',
};
const HISTOGRAMS = ['source_end_to_end_seconds', 'sink_end_to_end_seconds'];

const keyOf = ({ kind, name }: FlowId): string => `${kind} ${name}`;

/** What the metrics say of each flow, and how that went in the last seconds. Costs nothing where records pass. */
export class FlowFigures {
  readonly #metrics: Pick<Metrics, 'samples'>;
  readonly #clock: Clock;
  /** The oldest first, one a second. */
  #past: { readonly atMs: number; readonly readings: Readings }[] = [];

  constructor({ metrics, clock }: { readonly metrics: Pick<Metrics, 'samples'>; readonly clock: Clock }) {
    this.#metrics = metrics;
    this.#clock = clock;
  }

  /** Remembers each second how the metrics stand, until the returned function is called. */
  watch(): () => void {
    const look = (): void => {
      void this.#look();
    };
    look();
    return this.#clock.every(EVERY_MS, look);
  }

  /** As they stand now. @returns undefined for a flow that has no metrics. */
  async read(): Promise<(flow: FlowId) => Figures | undefined> {
    const readings = await this.#read();
    const atMs = this.#clock.monotonic();
    const before = this.#past.find((past) => past.atMs >= atMs - WINDOW_MS - EVERY_MS / 2);
    const seconds = Math.max(atMs - (before?.atMs ?? atMs), EVERY_MS) / 1_000;
    return (flow) => {
      const reading = readings.get(keyOf(flow));
      return reading && { ...reading.totals, now: change(before?.readings.get(keyOf(flow)), reading, seconds) };
    };
  }

  async #look(): Promise<void> {
    const readings = await this.#read();
    const atMs = this.#clock.monotonic();
    this.#past.push({ atMs, readings });
    this.#past = this.#past.filter((past) => past.atMs >= atMs - WINDOW_MS - EVERY_MS);
  }

  async #read(): Promise<Readings> {
    const readings = new Map<string, Reading>();
    for (const [metric, totals] of Object.entries(COUNTERS)) {
      for (const { labels, value } of await this.#metrics.samples(metric)) {
        const total = typeof totals === 'string' ? totals : totals[labels['outcome'] ?? ''];
        if (total !== undefined) readingOf(readings, labels).totals[total] += value;
      }
    }
    for (const metric of HISTOGRAMS) {
      for (const { labels, value } of await this.#metrics.samples(metric)) {
        if (labels['le'] !== undefined) readingOf(readings, labels).durations.set(boundOf(labels['le']), value);
      }
    }
    return readings;
  }
}

const boundOf = (le: string | number): number => (le === '+Inf' ? Infinity : Number(le));

const readingOf = (readings: Map<string, Reading>, { source, sink = '' }: Sample['labels']): Reading => {
  const flow = source === undefined ? { kind: 'sink', name: String(sink) } : { kind: 'source', name: String(source) };
  const key = keyOf(flow as FlowId);
  const known = readings.get(key);
  if (known !== undefined) return known;
  const made = { totals: { records: 0, unchanged: 0, filtered: 0, deadLetters: 0 }, durations: new Map() };
  readings.set(key, made);
  return made;
};

const change = (before: Reading | undefined, now: Reading, seconds: number): Figures['now'] => {
  const buckets = [...now.durations]
    .map(([bound, count]) => ({ bound, count: count - (before?.durations.get(bound) ?? 0) }))
    .toSorted((one, other) => one.bound - other.bound);
  const ms = (share: number): number | null => {
    const found = quantile(buckets, share);
    return found === undefined ? null : found * 1_000;
  };
  const perSecond = (now.totals.records - (before?.totals.records ?? 0)) / seconds;
  return { perSecond, p50Ms: ms(0.5), p99Ms: ms(0.99) };
};
