import { createSecureContext } from 'node:tls';
import { messageOf } from '../core/errors.ts';
import type { MAIN } from './schema.ts';
import { type Surroundings, readSecret } from './secret.ts';
import type { Path, ValuesOf } from './setting.ts';

type KafkaValues = ValuesOf<typeof MAIN.kafka>;
type TlsValues = KafkaValues['tls'];
type SaslValues = KafkaValues['sasl'];

/** Files are read again for each connection: what stands in them is not part of the configuration. */
export type KafkaTlsConfig = TlsValues;

/** A secret stands here, or the file that holds it, as it was given. */
export type KafkaSaslConfig =
  | (Pick<SaslValues, 'password' | 'passwordFile'> & {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
    })
  | (Pick<SaslValues, 'clientSecret' | 'clientSecretFile' | 'scope'> & {
      readonly mechanism: 'oauthbearer';
      readonly tokenUrl: string;
      readonly clientId: string;
    });

export type KafkaConfig = Omit<KafkaValues, 'tls' | 'sasl'> & {
  /** undefined: connections are not encrypted. */
  readonly tls: KafkaTlsConfig | undefined;
  /** undefined: no login. */
  readonly sasl: KafkaSaslConfig | undefined;
};

/** What is wrong with it, files included, is among the document's problems. */
export const kafkaConfig = (values: KafkaValues, from: Surroundings): KafkaConfig => ({
  ...values,
  tls: tlsConfig(values.tls, from),
  sasl: saslConfig(values.sasl, from),
});

const TLS: Path = ['kafka', 'tls'];
const SASL: Path = ['kafka', 'sasl'];

const tlsConfig = (values: TlsValues, from: Surroundings): KafkaTlsConfig | undefined => {
  const { enabled, ...rest } = values;
  if (enabled) {
    checkFiles(values, from);
    return values;
  }
  for (const [key, value] of Object.entries(rest)) {
    if (value !== undefined)
      from.document.add([...TLS, key], 'has no effect while kafka.tls.enabled is false: set that to true');
  }
  return undefined;
};

const checkFiles = ({ caFile, certFile, keyFile }: TlsValues, { document, readFile }: Surroundings): void => {
  if (certFile !== undefined && keyFile === undefined)
    document.add([...TLS, 'certFile'], 'needs its private key: give kafka.tls.keyFile');
  if (keyFile !== undefined && certFile === undefined)
    document.add([...TLS, 'keyFile'], 'needs its certificate: give kafka.tls.certFile');
  const read = (key: string, file: string | undefined): string | undefined => {
    try {
      const pem = file === undefined ? undefined : readFile(file);
      if (pem === undefined || pem.includes('-----BEGIN ')) return pem;
      document.add([...TLS, key], `${String(file)} is no PEM: it must have a line that starts with "-----BEGIN"`);
    } catch (error) {
      document.add([...TLS, key], `cannot be read: ${messageOf(error)}`);
    }
    return undefined;
  };
  const ca = read('caFile', caFile);
  const [cert, key] = [read('certFile', certFile), read('keyFile', keyFile)];
  const isUsable = (at: string, options: Parameters<typeof createSecureContext>[0]): boolean => {
    try {
      createSecureContext(options);
      return true;
    } catch (error) {
      document.add([...TLS, at], `cannot be used: ${messageOf(error)}`);
      return false;
    }
  };
  if (ca !== undefined) isUsable('caFile', { ca });
  // Whether certificate and key fit each other shows with the key.
  if (cert !== undefined && isUsable('certFile', { cert }) && key !== undefined) isUsable('keyFile', { cert, key });
};

const OF_TOKENS = ['tokenUrl', 'clientId', 'clientSecret', 'clientSecretFile', 'scope'] as const;
const OF_USERS = ['username', 'password', 'passwordFile'] as const;

const saslConfig = (values: SaslValues, from: Surroundings): KafkaSaslConfig | undefined => {
  const { mechanism } = values;
  const forbid = (keys: readonly (keyof SaslValues)[], why: string): void => {
    for (const key of keys) if (values[key] !== undefined) from.document.add([...SASL, key], why);
  };
  if (mechanism === undefined) {
    forbid([...OF_TOKENS, ...OF_USERS], 'has no effect without kafka.sasl.mechanism: give that too');
    return undefined;
  }
  if (mechanism === 'oauthbearer') {
    forbid(OF_USERS, 'is not for mechanism oauthbearer, which takes clientId and clientSecret: remove it');
    const { tokenUrl, clientId, clientSecret, clientSecretFile, scope } = values;
    checkSecret('clientSecret', values, from);
    const isComplete = [isGiven(tokenUrl, 'tokenUrl', from), isGiven(clientId, 'clientId', from)].every(Boolean);
    if (!isComplete || tokenUrl === undefined || clientId === undefined) return undefined;
    return { mechanism, tokenUrl, clientId, clientSecret, clientSecretFile, scope };
  }
  forbid(OF_TOKENS, `is for mechanism oauthbearer only, and this is ${mechanism}: remove it`);
  const { username, password, passwordFile } = values;
  checkSecret('password', values, from);
  if (!isGiven(username, 'username', from)) return undefined;
  return { mechanism, username, password, passwordFile };
};

const isGiven = (value: string | undefined, key: string, { document }: Surroundings): value is string => {
  if (value === undefined) document.add([...SASL, key], 'is missing, which this mechanism needs');
  return value !== undefined;
};

const checkSecret = (name: 'password' | 'clientSecret', values: SaslValues, from: Surroundings): void => {
  const isMissing = values[name] === undefined && values[`${name}File`] === undefined;
  if (isMissing) from.document.add([...SASL, name], `or ${name}File is missing, which this mechanism needs`);
  else readSecret(name, values, SASL, from);
};
