import { randomBytes } from 'node:crypto';

import type { Clock } from '../../../core/clock.ts';
import type { Exchange } from './exchange.ts';
import { authenticateOauthBearer } from './oauth-bearer.ts';
import { authenticateScram, type ScramHash } from './scram.ts';
import { secretReader } from './secret.ts';
import { TokenSource } from './token-source.ts';

/** User and password; structurally, the configuration. A password in a file is read for each connection. */
export interface UserCredentials {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password?: string | undefined;
  readonly passwordFile?: string | undefined;
}

/** Tokens from an OAuth 2 server, by the client credentials grant. */
export interface TokenCredentials {
  readonly mechanism: 'oauthbearer';
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  readonly clientSecretFile?: string | undefined;
  readonly scope?: string | undefined;
}

export type SaslCredentials = UserCredentials | TokenCredentials;

/**
 * How we prove who we are. Both libraries can do this too; but they take an interrupted conversation for a refusal, and
 * a refused token for an accepted one (docs/adr/0002).
 */
export interface SaslMechanism {
  readonly name: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER';
  /** Who we say we are, for messages. */
  readonly who: string;
  /** Resolves when the broker has accepted us. @throws KF_KAFKA_AUTH, or what the exchange throws */
  authenticate(exchange: Exchange): Promise<void>;
}

export const saslMechanism = (credentials: SaslCredentials, clock: Clock): SaslMechanism =>
  credentials.mechanism === 'oauthbearer' ? oauthBearer(credentials, clock) : withPassword(credentials);

const withPassword = ({ mechanism, username, password, passwordFile }: UserCredentials): SaslMechanism => {
  const secret = secretReader({ text: password, file: passwordFile });
  const scram = (name: 'SCRAM-SHA-256' | 'SCRAM-SHA-512', hash: ScramHash): SaslMechanism => ({
    name,
    who: username,
    authenticate: (exchange) =>
      authenticateScram({ hash, username, password: secret(), nonce: randomBytes(18).toString('base64') }, exchange),
  });
  switch (mechanism) {
    case 'plain':
      return {
        name: 'PLAIN',
        who: username,
        authenticate: async (exchange) => {
          await exchange(Buffer.from(`\0${username}\0${secret()}`));
        },
      };
    case 'scram-sha-256':
      return scram('SCRAM-SHA-256', 'sha256');
    case 'scram-sha-512':
      return scram('SCRAM-SHA-512', 'sha512');
  }
};

const oauthBearer = (credentials: TokenCredentials, clock: Clock): SaslMechanism => {
  const { clientId, clientSecret, clientSecretFile } = credentials;
  const secret = secretReader({ text: clientSecret, file: clientSecretFile });
  const tokens = new TokenSource({ ...credentials, clientSecret: secret, clock, fetch });
  return {
    name: 'OAUTHBEARER',
    who: clientId,
    authenticate: (exchange) => authenticateOauthBearer(tokens, exchange),
  };
};
