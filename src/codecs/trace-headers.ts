import { TRACE_HEADER, type TraceContext, parseTraceContext } from '../core/tracer.ts';

type Headers = ReadonlyMap<string, Buffer>;

/** The headers with those of a trace: other ones, as records share theirs. */
export const withTrace = (headers: Headers, { traceparent, tracestate }: TraceContext): Headers => {
  const all = new Map(headers).set(TRACE_HEADER.parent, Buffer.from(traceparent, 'latin1'));
  return tracestate === undefined ? all : all.set(TRACE_HEADER.state, Buffer.from(tracestate, 'latin1'));
};

/** undefined: the record belongs to no trace. */
export const traceOf = (headers: Headers): TraceContext | undefined => {
  const parent = headers.get(TRACE_HEADER.parent);
  if (parent === undefined) return undefined;
  return parseTraceContext(parent.toString('latin1'), headers.get(TRACE_HEADER.state)?.toString('latin1'));
};
