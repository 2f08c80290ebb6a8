import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import { eventually } from './eventually.ts';
import { freePort } from './ports.ts';

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number };
}

/** A span as OTLP's JSON writes it, as far as tests look at it. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly attributes: readonly Attribute[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: { readonly code?: number };
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly CollectedSpan[] }[];
  }[];
}

/** A collector of OpenTelemetry's own protocol (OTLP over HTTP, JSON), as small as one can be. */
export class OtlpCollector {
  readonly spans: CollectedSpan[] = [];
  readonly services = new Set<string | undefined>();
  /** Paths that were asked for, and what they bore as authorization. */
  readonly requests: { readonly path: string | undefined; readonly authorization: string | undefined }[] = [];
  #server: Server | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Again on the same port, after `stop`. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        this.requests.push({ path: request.url, authorization: request.headers.authorization });
        this.#take(JSON.parse(Buffer.concat(chunks).toString()) as Export);
        response.setHeader('content-type', 'application/json').end('{}');
      });
    });
    // None that the system gives to outgoing connections: such a one could be taken when it starts again.
    if (this.#port === 0) this.#port = await freePort();
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  /** Waits for a span of a trace. */
  async find(traceId: string, name: string): Promise<CollectedSpan> {
    const found = (): CollectedSpan | undefined =>
      this.spans.find((span) => span.traceId === traceId && span.name === name);
    await eventually(() => found() !== undefined, {
      what: `the span "${name}" of trace ${traceId}`,
      timeoutMs: 180_000,
    });
    const span = found();
    if (span === undefined) throw new Error('it was there');
    return span;
  }

  of(traceId: string): readonly CollectedSpan[] {
    return this.spans.filter((span) => span.traceId === traceId);
  }

  #take({ resourceSpans }: Export): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      this.services.add(resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue);
      for (const { spans } of scopeSpans) this.spans.push(...spans);
    }
  }
}

export const attributeOf = ({ attributes }: CollectedSpan, key: string): string | number | undefined => {
  const { stringValue, intValue } = attributes.find((one) => one.key === key)?.value ?? {};
  return stringValue ?? intValue;
};
