import type { FastifyRequest } from 'fastify';
import { type Span, type Tracer, parseTraceContext } from '../../core/tracer.ts';

/**
 * From the request to its answer, within the trace of whoever asks; undefined: nothing is traced.
 * @param route without what stands in its place: a path may hold a value.
 */
export const startRequest = (
  tracer: Tracer | undefined,
  { method, headers }: FastifyRequest,
  route: string,
): Span | undefined => {
  if (tracer === undefined) return undefined;
  const { traceparent, tracestate } = headers;
  return tracer.start(`${method} ${route}`, {
    kind: 'server',
    parent: parseTraceContext(textOf(traceparent), textOf(tracestate)),
    attributes: { 'http.request.method': method, 'http.route': route },
  });
};

/** @param status of HTTP. What the client did wrong is no failure of ours. */
export const endRequest = (span: Span | undefined, status: number): void => {
  span?.set({ 'http.response.status_code': status });
  span?.end(status >= 500 ? String(status) : undefined);
};

/** One that comes several times, Node joins with commas. */
const textOf = (header: string | readonly string[] | undefined): string | undefined =>
  typeof header === 'string' ? header : header?.join();
