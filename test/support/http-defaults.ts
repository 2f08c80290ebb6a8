import { systemClock } from '../../src/core/clock.ts';
import { createMetrics } from '../../src/observability/create-metrics.ts';
import type { HttpServerOptions } from '../../src/rest/http-server.ts';
import { silentLogger } from './silent-logger.ts';

/** As the configuration has them where it says nothing, on any free port; of a daemon that is well, and has nothing to do. */
export const httpDefaults = () =>
  ({
    host: '127.0.0.1',
    port: 0,
    version: '0.1.0',
    token: undefined,
    allowUnauthenticated: false,
    rateLimit: 0,
    maxBodyBytesInFlight: 100_000_000,
    clientTimeoutMs: 10_000,
    clock: systemClock,
    health: () => [],
    status: () => ({ sources: [], sinks: [] }),
    metrics: createMetrics(),
    logger: silentLogger,
  }) satisfies HttpServerOptions;
