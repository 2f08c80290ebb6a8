import type { Logger } from '../../core/log.ts';

/** How to reach Kafka, the same for either client library. */
export interface DriverOptions {
  /** host:port of the seed brokers. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Told of group membership, and the library's own words at debug level. What fails reaches the caller as an error. */
  readonly logger?: Logger;
}
