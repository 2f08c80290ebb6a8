import { randomUUID } from 'node:crypto';
import { Redis as UpstashRedis } from '@upstash/redis';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { connectRedis } from '../../src/clients/redis/connect.ts';
import type { RedisClient } from '../../src/clients/redis/port.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createMetrics } from '../../src/observability/create-metrics.ts';
import { type HttpServer, type HttpServerOptions, createHttpServer } from '../../src/rest/http-server.ts';
import { type Mirror, SourcesMirror } from '../../src/rest/redis-rest/mirror.ts';
import { RedisRest, type RedisRestOptions } from '../../src/rest/redis-rest/redis-rest.ts';
import { eventually } from '../support/eventually.ts';
import { httpDefaults } from '../support/http-defaults.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';

export const DEFAULTS: RedisRestOptions = {
  database: 0,
  ackTimeoutMs: 60_000,
  maxBodyBytes: 1_000_000,
  readThrough: [],
};

interface ClientOptions {
  readonly token?: string;
  readonly base64?: boolean;
  readonly autoPipelining?: boolean;
}

export interface RunningRest {
  readonly url: string;
  readonly metrics: ReturnType<typeof createMetrics>;
  /** The very client that applications use; it does not try again, nor pipeline unless it is asked to. */
  readonly client: (options?: ClientOptions) => UpstashRedis;
  /** Parsed, with its status. */
  readonly post: (path: string, body: unknown, headers?: Record<string, string>) => Promise<RestAnswer>;
  readonly close: () => Promise<void>;
}

export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: { readonly result?: unknown; readonly error?: string; readonly applied?: unknown };
  readonly text: string;
}

export const answerOf = async (response: Response): Promise<RestAnswer> => {
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: JSON.parse(text) as RestAnswer['json'],
  };
};

/** One Redis for the file; servers of Keyferry's own as a test asks for them. */
export class RestFixture {
  server!: RedisServer;
  /** Looks at Redis by other means than ours. */
  redis!: Redis;
  readonly #running: RunningRest[] = [];

  constructor(redisArgs: readonly string[] = []) {
    beforeAll(async () => {
      this.server = await (await stackProvider()).startRedis({ args: redisArgs });
      this.redis = new Redis(this.server.url, { maxRetriesPerRequest: null });
      this.redis.on('error', () => undefined);
    });
    afterEach(async () => {
      await Promise.all(this.#running.splice(0).map((each) => each.close()));
      await this.redis.flushall().catch(() => undefined);
    });
    afterAll(async () => {
      this.redis.disconnect();
      await this.server.kill();
    });
  }

  /** Whether this server has the command. */
  async knows(command: string): Promise<boolean> {
    const [info] = (await this.redis.call('COMMAND', 'INFO', command)) as unknown[];
    return info !== null;
  }

  /** Resolves once it has its connection to Redis. */
  async start(
    options: Partial<RedisRestOptions> = {},
    {
      mirror = new SourcesMirror([]),
      redis = connectRedis({ url: this.server.url, name: `keyferry-${randomUUID()}` }),
      ...http
    }: Partial<Omit<HttpServerOptions, 'redisRest'>> & { mirror?: Mirror; redis?: RedisClient } = {},
  ): Promise<RunningRest> {
    const metrics = createMetrics();
    const redisRest = new RedisRest(
      { ...DEFAULTS, ...options },
      {
        redis,
        mirror,
        clock: systemClock,
        metrics: metrics.rest,
        redisMetrics: metrics.redis,
      },
    );
    const server = createHttpServer({
      ...httpDefaults(),
      health: () => redisRest.health(),
      redisRest,
      metrics,
      ...http,
    });
    await eventually(() => redisRest.health().length === 0, { what: 'the connection to Redis' });
    const running = runningRest(await server.listen(), server, metrics);
    this.#running.push(running);
    return running;
  }
}

const runningRest = (port: number, server: HttpServer, metrics: RunningRest['metrics']): RunningRest => {
  const url = `http://127.0.0.1:${port}/redis`;
  return {
    url,
    metrics,
    client: ({ token = 'none', base64 = true, autoPipelining = false } = {}) =>
      new UpstashRedis({
        url,
        token,
        retry: false,
        enableTelemetry: false,
        enableAutoPipelining: autoPipelining,
        responseEncoding: base64 && 'base64',
      }),
    post: async (path, body, headers = {}) =>
      answerOf(
        await fetch(`${url}${path}`, {
          method: 'POST',
          headers,
          body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
        }),
      ),
    close: () => server.close(),
  };
};
