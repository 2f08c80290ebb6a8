import type { IncomingRecord } from '../../clients/kafka/port.ts';
import type { Clock } from '../../core/clock.ts';
import { keyName } from '../../core/key-name.ts';
import { HEADER } from '../../core/key-record.ts';
import type { ChangeWatch } from '../../core/passed-change.ts';

export interface AppliedWatchOptions {
  readonly watch: ChangeWatch | undefined;
  readonly clock: Clock;
  /** What a plain sink writes; undefined: each record says it. */
  readonly as: string | undefined;
}

/** Tells whoever looks which records were applied. */
export class AppliedWatch {
  readonly #options: AppliedWatchOptions;

  constructor(options: AppliedWatchOptions) {
    this.#options = options;
  }

  /** Asked first: nobody looking costs nothing. */
  get isWatched(): boolean {
    return this.#options.watch?.isWatched === true;
  }

  /** @param op where the record does not say it. */
  applied(key: Buffer, { value, headers, timestamp }: IncomingRecord, op = value === null ? 'del' : 'set'): void {
    const { watch, clock, as } = this.#options;
    watch?.passed({
      key: keyName(key),
      op: as === undefined ? (headers.get(HEADER.op)?.toString() ?? op) : op,
      type: as ?? headers.get(HEADER.type)?.toString() ?? '',
      value,
      latencyMs: Math.max(0, clock.now() - timestamp),
    });
  }
}
