/** Where a trace stands, in the words of W3C Trace Context. What comes next is a child of it. */
export interface TraceContext {
  /** `00-<32 hex>-<16 hex>-<2 hex>`: version, trace, span, flags. */
  readonly traceparent: string;
  /** What vendors hand on beside it. */
  readonly tracestate?: string | undefined;
}

/** Header names, in HTTP as in Kafka. */
export const TRACE_HEADER = { parent: 'traceparent', state: 'tracestate' } as const;

/** Named as OpenTelemetry's semantic conventions name them. Never a value of Redis, nor a key: traces go to others. */
export type Attributes = Readonly<Record<string, string | number>>;

export interface SpanOptions {
  readonly kind: 'server' | 'client' | 'producer' | 'consumer';
  /** undefined: a trace begins with it. */
  readonly parent: TraceContext | undefined;
  /** Other traces that it belongs to. */
  readonly links?: readonly TraceContext[] | undefined;
  readonly attributes?: Attributes | undefined;
}

/** A step of a trace, from `Tracer.start` to `end`. */
export interface Span {
  readonly context: TraceContext;
  set(attributes: Attributes): void;
  /** @param failure class of what went wrong, such as an error code; undefined: nothing did. */
  end(failure?: string): void;
}

/** Never throws, and never waits. Whoever is given none traces nothing. */
export interface Tracer {
  start(name: string, options: SpanOptions): Span;
}

const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(?=$|-)/;
/** As much as everyone must hand on. */
const MAX_STATE_LENGTH = 512;

/** undefined where there is none, or none that makes sense: a new trace begins then, as the standard asks for. */
export const parseTraceContext = (traceparent: string | undefined, tracestate?: string): TraceContext | undefined => {
  const [known] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (known === undefined || (traceparent?.startsWith('00') === true && traceparent.length > known.length))
    return undefined;
  // What a later version adds is not ours to hand on.
  const parent = `00${known.slice(2)}`;
  const isHandedOn = tracestate !== undefined && tracestate !== '' && tracestate.length <= MAX_STATE_LENGTH;
  return isHandedOn ? { traceparent: parent, tracestate } : { traceparent: parent };
};

/** As they go with an HTTP request. */
export const traceHeaders = ({ traceparent, tracestate }: TraceContext): Readonly<Record<string, string>> =>
  tracestate === undefined ? { traceparent } : { traceparent, tracestate };

/** Whether whoever began the trace wants it kept. */
export const isSampled = ({ traceparent }: TraceContext): boolean => (parseInt(traceparent.slice(-2), 16) & 1) === 1;
