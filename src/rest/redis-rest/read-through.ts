import type { RedisConnection } from '../../clients/redis/port.ts';
import type { Clock } from '../../core/clock.ts';
import { isKeyferryError, messageOf } from '../../core/errors.ts';
import { type KeyName, keyBytes } from '../../core/key-name.ts';
import { type Span, type TraceContext, type Tracer, traceHeaders } from '../../core/tracer.ts';
import type { RestMetrics } from '../../observability/metrics.ts';
import { keyFilter } from '../../redis-to-kafka/publish/key-filter.ts';
import { RestFailure } from './failure.ts';
import { originUrl } from './origin-url.ts';
import { type RestReply, asRestReply } from './reply.ts';

export interface ReadThroughRule {
  /** A Redis glob on keys. The first rule that matches counts. */
  readonly pattern: string;
  /** A template: origin-url.ts. */
  readonly url: string;
  /** How long what was fetched stays in Redis. */
  readonly ttlMs: number;
  /** How long the origin may take. */
  readonly timeoutMs: number;
}

export interface ReadThroughOptions {
  readonly rules: readonly ReadThroughRule[];
  readonly connection: RedisConnection;
  /** A larger answer of an origin is refused. */
  readonly maxBodyBytes: number;
  readonly clock: Clock;
  readonly metrics: RestMetrics;
  /** undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  readonly onStoring: (key: KeyName, trace: TraceContext | undefined) => void;
  /** Follows onStoring, whatever came: the key may have been written. */
  readonly onStored: (key: KeyName, trace: TraceContext | undefined) => void;
}

/** Nothing is there, says the origin. */
const ABSENT = new Set([404, 410]);

interface Source {
  readonly url: string;
  readonly rule: ReadThroughRule;
  /** Of the request that was first to ask. */
  readonly trace: TraceContext | undefined;
}

/** Fetches what a GET does not find from an HTTP origin, once for all who ask at the same time, and stores it. */
export class ReadThrough {
  readonly #options: ReadThroughOptions;
  readonly #rules: readonly (readonly [matches: (key: KeyName) => boolean, rule: ReadThroughRule])[];
  readonly #underWay = new Map<KeyName, Promise<RestReply>>();

  constructor(options: ReadThroughOptions) {
    this.#options = options;
    this.#rules = options.rules.map((rule) => [keyFilter([rule.pattern], []), rule]);
  }

  /**
   * The value of a key that Redis does not have; null where the origin has none either, or none is configured for it.
   * @throws RestFailure where the origin gives no answer that can be stored.
   */
  fetch(key: KeyName, trace?: TraceContext): Promise<RestReply> {
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    const source = this.#sourceOf(key, trace);
    if (source === undefined) return Promise.resolve(null);
    const fetching = this.#fetchAndStore(key, source).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, fetching);
    return fetching;
  }

  #sourceOf(key: KeyName, trace: TraceContext | undefined): Source | undefined {
    const [, rule] = this.#rules.find(([matches]) => matches(key)) ?? [];
    const url = rule === undefined ? undefined : originUrl(rule.url, key);
    return rule === undefined || url === undefined ? undefined : { url, rule, trace };
  }

  async #fetchAndStore(key: KeyName, source: Source): Promise<RestReply> {
    const { metrics } = this.#options;
    const span = this.#startAsking(source);
    const body = await this.#ask(source, span).catch((error: unknown) => {
      span?.end('ORIGIN');
      metrics.origin('failed');
      throw error;
    });
    span?.end();
    if (body === undefined) {
      metrics.origin('absent');
      return null;
    }
    return this.#store(key, body, source);
  }

  /** A value that was written meanwhile is newer than the origin's answer, and stays. */
  async #store(key: KeyName, body: Buffer, { rule: { ttlMs }, trace }: Source): Promise<RestReply> {
    const { connection, metrics, onStoring, onStored } = this.#options;
    onStoring(key, trace);
    // In one command (NX GET) only since Redis 7.
    const [stored = null, standing = null] = await connection
      .pipeline([
        ['SET', keyBytes(key), body, 'NX', 'PX', ttlMs],
        ['GET', keyBytes(key)],
      ])
      .catch((error: unknown) => {
        if (isKeyferryError(error)) return [error];
        throw error;
      })
      .finally(() => {
        onStored(key, trace);
      });
    metrics.origin(stored instanceof Error || stored === null ? 'superseded' : 'stored');
    if (stored instanceof Error) return asRestReply(stored);
    return stored === null ? asRestReply(standing) : body;
  }

  /** Until the origin has answered. */
  #startAsking({ url, trace }: Source): Span | undefined {
    if (trace === undefined) return undefined;
    return this.#options.tracer?.start('GET', {
      kind: 'client',
      parent: trace,
      attributes: { 'http.request.method': 'GET', 'server.address': new URL(url).hostname },
    });
  }

  /** @returns undefined where the origin says that it has none. */
  async #ask({ url, rule: { timeoutMs } }: Source, span: Span | undefined): Promise<Buffer | undefined> {
    const { clock, maxBodyBytes } = this.#options;
    const answered = new AbortController();
    const expired = new AbortController();
    void clock.sleep(timeoutMs, answered.signal).then(() => {
      expired.abort();
    });
    try {
      const headers = span === undefined ? {} : traceHeaders(span.context);
      const response = await fetch(url, { signal: expired.signal, headers });
      span?.set({ 'http.response.status_code': response.status });
      if (response.ok) return await bodyOf(response, maxBodyBytes);
      await response.body?.cancel();
      if (ABSENT.has(response.status)) return undefined;
      throw new RestFailure('ORIGIN', `the origin answered ${response.status}`);
    } catch (error) {
      if (error instanceof RestFailure) throw error;
      if (expired.signal.aborted) throw new RestFailure('ORIGIN', `the origin did not answer within ${timeoutMs} ms`);
      throw new RestFailure('ORIGIN', `the origin cannot be reached: ${reasonOf(error)}`);
    } finally {
      answered.abort();
    }
  }
}

/** The platform's own message is `fetch failed`; the cause tells. */
const reasonOf = (error: unknown): string => messageOf(error instanceof Error ? (error.cause ?? error) : error);

const bodyOf = async (response: Response, maxBytes: number): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  if (response.body === null) return Buffer.alloc(0);
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    bytes += chunk.length;
    // Leaving the loop cancels the rest.
    if (bytes > maxBytes) throw new RestFailure('ORIGIN', `the origin's answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};
