import { isUtf8 } from 'node:buffer';
import type { Clock } from '../../core/clock.ts';
import { type KeyName, keyBytes } from '../../core/key-name.ts';
import type { ChangeWatch, PassedChange } from '../../core/passed-change.ts';
import { keyGlob } from '../../redis-to-kafka/publish/key-glob.ts';
import type { TailPortion, TailedChange } from './tailed-change.ts';

/** Whose changes, and of which keys; what is absent does not matter. */
export interface TailFilter {
  readonly source?: string | undefined;
  readonly sink?: string | undefined;
  /** A Redis glob. */
  readonly match?: string | undefined;
}

const MAX_CHANGES = 50;
const MAX_KEY_BYTES = 300;
const MAX_VALUE_CHARACTERS = 200;

interface FlowName {
  readonly source?: string;
  readonly sink?: string;
}

export interface ChangeTailOptions {
  readonly clock: Clock;
  readonly showValues: boolean;
}

/** Hands what passes the flows to those who look. While nobody does, it costs a flow one look at a flag. */
export class ChangeTail {
  readonly #options: ChangeTailOptions;
  readonly #listeners = new Set<TailListener>();

  constructor(options: ChangeTailOptions) {
    this.#options = options;
  }

  get isWatched(): boolean {
    return this.#listeners.size > 0;
  }

  /** Where a flow tells what passed it. */
  of(flow: FlowName): ChangeWatch {
    const isWatched = (): boolean => this.isWatched;
    const tell = (change: PassedChange): TailedChange => this.#tell(flow, change);
    return {
      get isWatched() {
        return isWatched();
      },
      passed: (change) => {
        for (const listener of this.#listeners) listener.offer(flow, change, tell);
      },
    };
  }

  /** Until it is closed. */
  listen(filter: TailFilter): TailListener {
    const listener = new TailListener(filter, () => this.#listeners.delete(listener));
    this.#listeners.add(listener);
    return listener;
  }

  #tell(flow: FlowName, { key, op, type, value, latencyMs }: PassedChange): TailedChange {
    return {
      at: this.#options.clock.now(),
      ...flow,
      ...keyText(key),
      op,
      type,
      bytes: value?.length ?? 0,
      latencyMs: Math.round(latencyMs * 10) / 10,
      ...(this.#options.showValues && value !== null && { value: valueText(value) }),
    };
  }
}

export class TailListener {
  readonly #filter: TailFilter;
  readonly #matches: (key: KeyName) => boolean;
  readonly #onClose: () => void;
  #changes: TailedChange[] = [];
  #skipped = 0;

  constructor(filter: TailFilter, onClose: () => void) {
    this.#filter = filter;
    this.#matches = filter.match === undefined ? () => true : keyGlob(filter.match);
    this.#onClose = onClose;
  }

  /** @param tell is asked only for what is wanted and has room. */
  offer(flow: FlowName, change: PassedChange, tell: (change: PassedChange) => TailedChange): void {
    if (!this.#wants(flow) || !this.#matches(change.key)) return;
    if (this.#changes.length < MAX_CHANGES) this.#changes.push(tell(change));
    else this.#skipped += 1;
  }

  /** undefined: nothing came. */
  take(): TailPortion | undefined {
    if (this.#changes.length === 0) return undefined;
    const portion = { changes: this.#changes, skipped: this.#skipped };
    this.#changes = [];
    this.#skipped = 0;
    return portion;
  }

  close(): void {
    this.#onClose();
  }

  /** Who names a source wants no sink, and the other way round. */
  #wants({ source, sink }: FlowName): boolean {
    const { source: wantedSource, sink: wantedSink } = this.#filter;
    if (wantedSource === undefined && wantedSink === undefined) return true;
    return source === undefined ? sink === wantedSink : source === wantedSource;
  }
}

const keyText = (key: KeyName): Pick<TailedChange, 'key' | 'keyEncoding' | 'keyBytes'> => {
  const bytes = keyBytes(key.length > MAX_KEY_BYTES ? (key.slice(0, MAX_KEY_BYTES) as KeyName) : key);
  const text = textOf(bytes);
  return {
    ...(text === undefined ? { key: bytes.toString('base64'), keyEncoding: 'base64' } : { key: text }),
    ...(key.length > MAX_KEY_BYTES && { keyBytes: key.length }),
  };
};

/** undefined: it is none. A character that the cut took apart does not matter. */
const textOf = (bytes: Buffer): string | undefined => {
  for (let cut = 0; cut < 4; cut += 1) {
    const part = bytes.subarray(0, bytes.length - cut);
    if (isUtf8(part)) return part.toString();
    if (bytes.length < MAX_KEY_BYTES) return undefined;
  }
  return undefined;
};

const valueText = (value: Buffer): string =>
  // A character takes four bytes at most.
  value
    .subarray(0, MAX_VALUE_CHARACTERS * 4)
    .toString()
    .slice(0, MAX_VALUE_CHARACTERS);
