import type { Logger } from '../../core/log.ts';

/** How to reach Kafka, the same for either client library. */
export interface DriverOptions {
  /** host:port of the seed brokers. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Where the library's own words go, at debug level: what matters reaches the caller as an error. */
  readonly logger?: Logger;
}
