import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaAdmin } from '../../src/clients/kafka/port.ts';
import { type Change, burst, nextChange } from './changes.ts';
import type { Mirror } from './mirror.ts';
import { column, milliseconds, paint, print } from './terminal.ts';

const PAUSE_MS = 250;
const TOTALS_EVERY_MS = 5_000;
const BURST_EVERY = 60;
const BURST_KEYS = 500;
const TEXT_WIDTH = 58;

export interface LiveOptions {
  readonly mirror: Mirror;
  readonly admin: KafkaAdmin;
  readonly topic: string;
  /** Where the status is. */
  readonly url: string;
  readonly signal: AbortSignal;
}

/** Writes, waits until the copy has it, says how long that took; until the signal. */
export const runLive = async ({ mirror, admin, topic, url, signal }: LiveOptions): Promise<void> => {
  const totals = new Totals();
  let ends = await admin.endOffsets(topic);
  for (let count = 1; !signal.aborted; count += 1) {
    const change = count % BURST_EVERY === 0 ? burst(BURST_KEYS) : nextChange();
    const latencyMs = await carry(change, mirror);
    const newEnds = await admin.endOffsets(topic);
    const records = grown(topic, ends, newEnds);
    print(changeLine(change, latencyMs, records));
    ends = newEnds;
    if (records !== '') totals.add(latencyMs);
    if (totals.isDue()) print(totals.line(sum(ends), url));
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
  }
  print(totals.line(sum(ends), url));
};

const carry = async ({ run, keys }: Change, mirror: Mirror): Promise<number> => {
  await run(mirror.source);
  return mirror.untilEqual(keys.map((key) => Buffer.from(key)));
};

const changeLine = ({ text }: Change, latencyMs: number, records: string): string => {
  const time = new Date().toISOString().slice(11, 23);
  const latency = milliseconds(latencyMs).padStart(8);
  return `${paint('dim', time)}  ${column(text, TEXT_WIDTH)} ${paint('green', latency)}  ${paint('cyan', records || 'changed nothing')}`;
};

/** The last of the records that came, by partition: `demo[2]@41`. Empty where a write changed nothing. */
const grown = (topic: string, before: ReadonlyMap<number, bigint>, after: ReadonlyMap<number, bigint>): string =>
  [...after]
    .filter(([partition, end]) => end > (before.get(partition) ?? 0n))
    .map(([partition, end]) => `${topic}[${partition}]@${end - 1n}`)
    .join(' ');

const sum = (ends: ReadonlyMap<number, bigint>): bigint => [...ends.values()].reduce((total, end) => total + end, 0n);

class Totals {
  readonly #latenciesMs: number[] = [];
  #nextMs = performance.now() + TOTALS_EVERY_MS;

  add(latencyMs: number): void {
    this.#latenciesMs.push(latencyMs);
  }

  isDue(): boolean {
    if (performance.now() < this.#nextMs) return false;
    this.#nextMs = performance.now() + TOTALS_EVERY_MS;
    return true;
  }

  line(records: bigint, url: string): string {
    const sorted = this.#latenciesMs.toSorted((a, b) => a - b);
    const quantile = (share: number): string => milliseconds(sorted[Math.floor(sorted.length * share)] ?? 0);
    const text = `${sorted.length} changes carried · p50 ${quantile(0.5)} · p99 ${quantile(0.99)} · ${records} records`;
    return paint('bold', `── ${text} · ${url}/api/v1/status`);
  }
}
