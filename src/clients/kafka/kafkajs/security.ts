import type { AuthenticationProviderArgs, Authenticator, KafkaConfig } from 'kafkajs';

import { ASKS } from '../asks.ts';
import type { DriverOptions } from '../driver-options.ts';
import type { Exchange } from '../security/exchange.ts';
import type { SaslMechanism } from '../security/sasl.ts';
import { fromKafkajs } from './errors.ts';

type Security = Pick<KafkaConfig, 'ssl' | 'sasl' | 'reauthenticationThreshold'>;

/** A session is renewed before the first request that comes so shortly before its end, or later. */
const RENEW_BEFORE_MS = 2_000;

/** TLS and SASL as the library takes them. It copies `ssl` for each connection, and so reads our files for each. */
export const securityOptions = ({ tls, sasl }: DriverOptions): Security => ({
  ...(tls === undefined ? {} : { ssl: sslOptions(tls) }),
  ...(sasl === undefined ? {} : { sasl: { mechanism: sasl.name, authenticationProvider: authenticator(sasl) } }),
  reauthenticationThreshold: RENEW_BEFORE_MS,
});

const sslOptions = (tls: NonNullable<DriverOptions['tls']>) => ({
  get secureContext() {
    return tls.secureContext;
  },
  ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
});

const LENGTH_BYTES = 4;

const authenticator =
  (sasl: SaslMechanism) =>
  ({ saslAuthenticate }: AuthenticationProviderArgs): Authenticator => ({
    authenticate: () => sasl.authenticate(exchangeBy(saslAuthenticate, sasl)),
  });

/** The library frames what is said with its length, whichever request carries it. */
const exchangeBy =
  (saslAuthenticate: AuthenticationProviderArgs['saslAuthenticate'], sasl: SaslMechanism): Exchange =>
  async (bytes) => {
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeInt32BE(bytes.length);
    try {
      const answer = await saslAuthenticate({
        request: { encode: () => Buffer.concat([length, bytes]) },
        response: { decode: (raw) => raw.subarray(LENGTH_BYTES), parse: (data) => data },
      });
      return answer ?? Buffer.alloc(0);
    } catch (thrown) {
      throw fromKafkajs(thrown, ASKS.authenticate(sasl.who, sasl.name));
    }
  };
