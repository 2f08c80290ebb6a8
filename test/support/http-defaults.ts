import { systemClock } from '../../src/core/clock.ts';
import type { HttpServerOptions } from '../../src/rest/http-server.ts';

/** As the configuration has them where it says nothing, on any free port. */
export const HTTP_DEFAULTS = {
  host: '127.0.0.1',
  port: 0,
  version: '0.1.0',
  token: undefined,
  allowUnauthenticated: false,
  rateLimit: 0,
  maxBodyBytesInFlight: 100_000_000,
  clientTimeoutMs: 10_000,
  clock: systemClock,
} as const satisfies Partial<HttpServerOptions>;
