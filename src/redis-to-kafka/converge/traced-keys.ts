import type { OutgoingRecord } from '../../clients/kafka/port.ts';
import type { KeyName } from '../../core/key-name.ts';
import type { TraceContext, Tracer } from '../../core/tracer.ts';
import { type TracedRecords, traceRecords } from '../publish/trace-records.ts';

/** A traced write of a key: under way in Redis, done, or done before the read that is under way. */
interface Write {
  readonly trace: TraceContext;
  stage: 'under way' | 'done' | 'in read';
}

/** I9. What is past them is written and published as ever, and its trace ends at Redis. */
const MAX_WRITES = 10_000;
const MAX_WRITES_OF_KEY = 32;

/**
 * Keys that are written within traces, from before the write until they are read after it: a notification may be quicker
 * than Redis' reply to whoever wrote. Empty most of the time.
 */
export class TracedKeys {
  readonly #tracer: Tracer;
  readonly #keys = new Map<KeyName, Write[]>();
  #count = 0;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  /** To be followed by `written`, or `forget`. */
  writing(key: KeyName, trace: TraceContext): void {
    if (this.#count >= MAX_WRITES) return;
    const writes = this.#keys.get(key) ?? [];
    // Of a key that many write, the latest are remembered.
    if (writes.length >= MAX_WRITES_OF_KEY) writes.shift();
    else this.#count += 1;
    writes.push({ trace, stage: 'under way' });
    this.#keys.set(key, writes);
  }

  /** Redis has answered, or will not. The next read that begins holds what was written. */
  written(key: KeyName, trace: TraceContext): void {
    const write = this.#keys.get(key)?.find((one) => one.trace === trace && one.stage === 'under way');
    if (write !== undefined) write.stage = 'done';
  }

  /** Nobody will read the key for the sake of those writes. */
  forget(key: KeyName): void {
    this.#count -= this.#keys.get(key)?.length ?? 0;
    this.#keys.delete(key);
  }

  /** The keys are about to be read. */
  reading(keys: readonly KeyName[]): void {
    if (this.#count === 0) return;
    for (const key of keys)
      for (const write of this.#keys.get(key) ?? []) if (write.stage === 'done') write.stage = 'in read';
  }

  /** A key was read, and has changed: its records, as part of the traces that may have led to that; undefined: of none. */
  changed(key: KeyName, records: readonly OutgoingRecord[]): TracedRecords | undefined {
    const traces = this.#take(key);
    return traces.length === 0 ? undefined : traceRecords(this.#tracer, records, traces);
  }

  /** A key was read, and is what was published last. */
  unchanged(key: KeyName): void {
    this.#take(key);
  }

  /** Writes that came while the key was read may be in what was read, or not: they stay until the next read. */
  #take(key: KeyName): readonly TraceContext[] {
    const writes = this.#count === 0 ? undefined : this.#keys.get(key);
    if (writes === undefined) return NONE;
    const left = writes.filter(({ stage }) => stage !== 'in read');
    this.#count -= writes.length - left.length;
    if (left.length === 0) this.#keys.delete(key);
    else this.#keys.set(key, left);
    return writes.map(({ trace }) => trace);
  }
}

const NONE: readonly TraceContext[] = [];
