import { type ErrorCode, KeyferryError } from '../core/errors.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { FlowId } from '../observability/flow-figures.ts';
import type { SourceMetrics } from '../observability/metrics.ts';
import type { LastError } from '../rest/live/status.ts';

/** What the status tells of a flow that no metric holds: what it last said was wrong, and its last canary. */
export class FlowJournal {
  readonly #clock: Clock;
  #lastError: LastError | null = null;
  #canaryMs: number | null = null;
  #hasFailed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get lastError(): LastError | null {
    return this.#lastError;
  }
  /** How long the last canary took. */
  get canaryMs(): number | null {
    return this.#canaryMs;
  }
  /** It ended although nobody told it to. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** The logger, of which each warning and error is remembered that has a code. */
  reading(logger: Logger): Logger {
    const note = (fields: { readonly code?: ErrorCode; readonly reason?: string }, message: string): void => {
      if (fields.code === undefined) return;
      this.#lastError = { code: fields.code, message: fields.reason ?? message, at: this.#clock.now() };
    };
    return {
      debug: logger.debug.bind(logger),
      info: logger.info.bind(logger),
      warn: (fields, message) => {
        note(fields, message);
        logger.warn(fields, message);
      },
      error: (fields, message) => {
        note(fields, message);
        logger.error(fields, message);
      },
      child: (fields) => this.reading(logger.child(fields)),
    };
  }

  /** The metrics, of which the canaries are remembered. */
  timing(metrics: SourceMetrics): SourceMetrics {
    return {
      ...metrics,
      canary: (seconds) => {
        this.#canaryMs = seconds * 1_000;
        metrics.canary(seconds);
      },
    };
  }

  failed(error: unknown): void {
    this.#hasFailed = true;
    if (error instanceof KeyferryError)
      this.#lastError = { code: error.code, message: error.message, at: this.#clock.now() };
  }
}

/** One of each flow. */
export class FlowJournals {
  readonly #clock: Clock;
  readonly #journals = new Map<string, FlowJournal>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of({ kind, name }: FlowId): FlowJournal {
    const key = `${kind} ${name}`;
    const journal = this.#journals.get(key) ?? new FlowJournal(this.#clock);
    this.#journals.set(key, journal);
    return journal;
  }
}
