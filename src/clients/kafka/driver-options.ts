import type { Logger } from '../../core/log.ts';
import type { SaslCredentials, SaslMechanism } from './security/sasl.ts';
import type { TlsAccess, TlsFiles } from './security/tls.ts';

/** What any connection of ours is made with, whatever secures it. */
interface Reach {
  /** host:port of the seed brokers. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Told of group membership, and the library's own words at debug level. What fails reaches the caller as an error. */
  readonly logger?: Logger;
}

/** How to reach Kafka, the same for either client library; structurally, the configuration. */
export interface KafkaOptions extends Reach {
  readonly tls?: TlsFiles | undefined;
  readonly sasl?: SaslCredentials | undefined;
}

/** The same for a driver: what the files hold is read anew for each connection. */
export interface DriverOptions extends Reach {
  readonly tls: TlsAccess | undefined;
  readonly sasl: SaslMechanism | undefined;
}
