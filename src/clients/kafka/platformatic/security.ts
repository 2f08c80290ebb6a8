import type { BaseOptions, SASLCustomAuthenticator } from '@platformatic/kafka';

import { KeyferryError } from '../../../core/errors.ts';
import { ASKS } from '../asks.ts';
import type { DriverOptions } from '../driver-options.ts';
import type { Exchange } from '../security/exchange.ts';
import type { SaslMechanism } from '../security/sasl.ts';
import { namesHosts } from '../security/tls.ts';
import { fromPlatformatic } from './errors.ts';

type Security = Pick<BaseOptions, 'tls' | 'tlsServerName' | 'sasl'>;

/** TLS and SASL as the library takes them. It copies `tls` for each connection, and so reads our files for each. */
export const securityOptions = ({ brokers, tls, sasl }: DriverOptions): Security => ({
  ...(tls === undefined ? {} : { tls, tlsServerName: tls.serverName ?? namesHosts(brokers) }),
  ...(sasl === undefined ? {} : { sasl: { mechanism: sasl.name, authenticate: authenticator(sasl) } }),
});

type SaslAnswer = Awaited<ReturnType<Parameters<SASLCustomAuthenticator>[2]['async']>>;

const authenticator =
  (sasl: SaslMechanism): SASLCustomAuthenticator =>
  (_mechanism, connection, api, _username, _password, _token, callback) => {
    let last: SaslAnswer | undefined;
    const exchange: Exchange = async (bytes) => {
      try {
        last = await api.async(connection, bytes);
        return last.authBytes;
      } catch (thrown) {
        throw fromPlatformatic(thrown, ASKS.authenticate(sasl.who, sasl.name));
      }
    };
    sasl.authenticate(exchange).then(
      () => {
        // The last answer tells how long the session lasts.
        if (last !== undefined) callback(null, last);
      },
      (error: unknown) => {
        callback(error instanceof Error ? error : new KeyferryError('KF_KAFKA_REFUSED', String(error)), undefined);
      },
    );
  };
