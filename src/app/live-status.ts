import type { Clock } from '../core/clock.ts';
import type { FlowFigures, FlowId } from '../observability/flow-figures.ts';
import type { DaemonStatus, FlowStatus } from '../rest/live/status.ts';
import { summarize } from '../rest/live/summary.ts';
import type { FlowJournals } from './flow-journal.ts';
import { type FlowSurroundings, flowStatus } from './flow-status.ts';
import type { Flow } from './flows.ts';

const EVERY_MS = 1_000;

export interface LiveStatusOptions {
  readonly version: string;
  readonly sources: readonly Flow[];
  readonly sinks: readonly Flow[];
  readonly journals: FlowJournals;
  readonly figures: FlowFigures;
  /** Why the daemon is not ready. */
  readonly health: () => readonly string[];
  /** Unix ms at which Kafka was found out of reach; undefined: it answers. */
  readonly kafkaAwaySince: () => number | undefined;
  readonly clock: Clock;
}

/** Puts together what the status page, the API and the terminal tell. */
export class LiveStatus {
  readonly #options: LiveStatusOptions;
  readonly #startedAt: number;
  /** Unix ms. */
  readonly #waitingSince = new Map<Flow, number>();

  constructor(options: LiveStatusOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
  }

  /** Looks each second how things stand, until the returned function is called: rates and ages need a past. */
  watch(): () => void {
    const { figures, clock } = this.#options;
    const forget = [figures.watch(), clock.every(EVERY_MS, this.#look.bind(this))];
    return () => {
      for (const each of forget) each();
    };
  }

  /** The flow ended although nobody told it to. */
  failed(flow: Flow, error: unknown): void {
    const kind = this.#options.sinks.includes(flow) ? 'sink' : 'source';
    this.#options.journals.of({ kind, name: flow.status().name }).failed(error);
  }

  async status(): Promise<DaemonStatus> {
    const { version, health, figures, kafkaAwaySince, clock } = this.#options;
    const figuresOf = await figures.read();
    this.#look();
    const at = clock.now();
    const tell = (kind: FlowId['kind'], flows: readonly Flow[]): readonly FlowStatus[] =>
      flows.map((flow) => this.#tell(kind, flow, figuresOf, at));
    const sources = tell('source', this.#options.sources);
    const sinks = tell('sink', this.#options.sinks);
    return {
      version,
      startedAt: this.#startedAt,
      at,
      ready: health().length === 0,
      summary: summarize({ at, sources, sinks, kafkaAwaySince: kafkaAwaySince() }),
      sources,
      sinks,
    };
  }

  #tell(kind: FlowId['kind'], flow: Flow, figuresOf: Awaited<ReturnType<FlowFigures['read']>>, at: number): FlowStatus {
    const report = flow.status();
    const id = { kind, name: report.name };
    return flowStatus(report, {
      at,
      figures: figuresOf(id),
      journal: this.#options.journals.of(id),
      ...this.#trouble(flow, `${kind} ${report.name}: `),
    });
  }

  /** A flow that has nothing to send, or a sink, does not notice by itself that Kafka is away. */
  #trouble(flow: Flow, prefix: string): Pick<FlowSurroundings, 'reasons' | 'waitingSince'> {
    const own = flow.health().map((reason) => (reason.startsWith(prefix) ? reason.slice(prefix.length) : reason));
    const awaySince = this.#options.kafkaAwaySince();
    if (own.length > 0 || awaySince === undefined) return { reasons: own, waitingSince: this.#waitingSince.get(flow) };
    return { reasons: ['Kafka is out of reach'], waitingSince: awaySince };
  }

  #look(): void {
    const { sources, sinks, clock } = this.#options;
    for (const flow of [...sources, ...sinks]) {
      if (flow.health().length === 0) this.#waitingSince.delete(flow);
      else if (!this.#waitingSince.has(flow)) this.#waitingSince.set(flow, clock.now());
    }
  }
}
