import {
  DiagLogLevel,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer as OtelTracer,
  diag,
  trace,
} from '@opentelemetry/api';
import { TraceState } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import type { Span, SpanOptions, TraceContext, Tracer } from '../core/tracer.ts';

export interface TracingOptions {
  /** Base address of the collector (OTLP over HTTP), `/v1/traces` left out; undefined: as the environment says. */
  readonly endpoint: string | undefined;
  /** undefined: as OTEL_SERVICE_NAME says, or `keyferry`. */
  readonly serviceName: string | undefined;
  /** Share of the traces that begin here which are kept, 0 to 1. */
  readonly sampleRatio: number;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Spans go out in batches, in the background. What a collector that is away does not take is dropped past 2,048 spans. */
export interface Tracing extends Tracer {
  /** Sends what is left; within 2 s, or not at all. Never rejects. */
  close(): Promise<void>;
}

const CLOSE_WITHIN_MS = 2_000;
const SEND_EVERY_MS = 1_000;
const QUIET_MS = 60_000;
const SERVICE_NAME = 'service.name';

const KINDS: Record<SpanOptions['kind'], SpanKind> = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** The only place that knows OpenTelemetry. To be imported where tracing is switched on, and then only. */
export const openTracing = (options: TracingOptions): Tracing => {
  const { endpoint, sampleRatio, version, clock, logger } = options;
  tellComplaints(options);
  const exporter = new OTLPTraceExporter(endpoint === undefined ? {} : { url: tracesUrl(endpoint) });
  const provider = new TracerProvider({
    resource: resourceOf(options),
    // Whoever began a trace has decided.
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [
      new BatchSpanProcessor({ exporter: tellingExporter(exporter, logger), scheduledDelayMillis: SEND_EVERY_MS }),
    ],
  });
  const tracer = provider.getTracer('keyferry', version);
  return {
    start: (name, span) => startSpan(tracer, name, span),
    close: async () => {
      const closed = new AbortController();
      await Promise.race([provider.shutdown().catch(() => undefined), clock.sleep(CLOSE_WITHIN_MS, closed.signal)]);
      closed.abort();
    },
  };
};

const tracesUrl = (endpoint: string): string => `${endpoint.replace(/\/$/, '')}/v1/traces`;

/** What is configured goes before what OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say. */
const resourceOf = ({ serviceName, version }: TracingOptions) => {
  const known = resourceFromAttributes({ [SERVICE_NAME]: 'keyferry', 'service.version': version });
  const said = detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] });
  return known
    .merge(said)
    .merge(resourceFromAttributes(serviceName === undefined ? {} : { [SERVICE_NAME]: serviceName }));
};

const startSpan = (
  tracer: OtelTracer,
  name: string,
  { kind, parent, links = [], attributes = {} }: SpanOptions,
): Span => {
  const within = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, spanContextOf(parent));
  const span = tracer.startSpan(
    name,
    {
      kind: KINDS[kind],
      links: links.map((link) => ({ context: spanContextOf(link) })),
      attributes: { ...attributes },
    },
    within,
  );
  return {
    context: contextOf(span.spanContext()),
    set: (more) => {
      span.setAttributes({ ...more });
    },
    end: (failure) => {
      if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', failure);
      span.end();
    },
  };
};

const spanContextOf = ({ traceparent, tracestate }: TraceContext): SpanContext => {
  const [, traceId = '', spanId = '', flags = '0'] = traceparent.split('-');
  const context = { traceId, spanId, traceFlags: parseInt(flags, 16), isRemote: true };
  return tracestate === undefined ? context : { ...context, traceState: new TraceState(tracestate) };
};

const contextOf = ({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext => {
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  const tracestate = traceState?.serialize();
  return tracestate === undefined || tracestate === '' ? { traceparent } : { traceparent, tracestate };
};

/** Says once that spans do not arrive, and once that they do again. */
const tellingExporter = (exporter: OTLPTraceExporter, logger: Logger): SpanExporter => {
  let isFailing = false;
  return {
    export: (spans, done) => {
      exporter.export(spans, (result) => {
        const { error } = result;
        if (error !== undefined && !isFailing)
          logger.warn({ reason: reasonOf(error), spans: spans.length }, 'the collector does not take spans');
        else if (error === undefined && isFailing) logger.info({}, 'the collector takes spans again');
        isFailing = error !== undefined;
        done(result);
      });
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  };
};

const reasonOf = (error: Error): string =>
  error.cause === undefined ? messageOf(error) : `${messageOf(error)}: ${messageOf(error.cause)}`;

/** What the library says beside that: variables that make no sense, spans that it dropped. */
const tellComplaints = ({ clock, logger }: TracingOptions): void => {
  let quietUntil = 0;
  const quiet = (): void => undefined;
  const say = (message: string): void => {
    if (clock.monotonic() < quietUntil) return;
    quietUntil = clock.monotonic() + QUIET_MS;
    logger.warn({ reason: message }, 'tracing is not complete');
  };
  diag.setLogger({ error: quiet, warn: say, info: quiet, debug: quiet, verbose: quiet }, DiagLogLevel.WARN);
};
