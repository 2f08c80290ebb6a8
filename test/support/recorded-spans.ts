import type { Attributes, Span, SpanOptions, TraceContext, Tracer } from '../../src/core/tracer.ts';

export interface RecordedSpan extends SpanOptions {
  readonly name: string;
  readonly context: TraceContext;
  readonly said: Attributes;
  /** `open`; `ok`; else its failure. */
  readonly end: string;
}

type Writable = { -readonly [K in keyof RecordedSpan]: RecordedSpan[K] };

/** Remembers spans instead of sending them: for tests of who starts and ends which. */
export class SpanRecorder implements Tracer {
  readonly #spans: Writable[] = [];

  get spans(): readonly RecordedSpan[] {
    return this.#spans;
  }

  start(name: string, options: SpanOptions): Span {
    const number = String(this.#spans.length + 1);
    const trace = options.parent?.traceparent.slice(3, 35) ?? number.padStart(32, 'a');
    const context = { traceparent: `00-${trace}-${number.padStart(16, 'b')}-01` };
    const span: Writable = { ...options, name, context, said: {}, end: 'open' };
    this.#spans.push(span);
    return {
      context,
      set: (attributes) => {
        span.said = { ...span.said, ...attributes };
      },
      end: (failure) => {
        if (span.end !== 'open') throw new Error(`span ${name} ends twice`);
        span.end = failure ?? 'ok';
      },
    };
  }
}

/** A trace of somebody else's. */
export const traceNumber = (number: number): TraceContext => ({
  traceparent: `00-${String(number).padStart(32, 'c')}-${String(number).padStart(16, 'd')}-01`,
});
