import type { MAIN } from './schema.ts';
import { type Surroundings, readSecret } from './secret.ts';
import type { Path, ValuesOf } from './setting.ts';
import { checkTlsFiles } from './tls-files.ts';

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
    checkTlsFiles(values, TLS, from);
    return values;
  }
  for (const [key, value] of Object.entries(rest)) {
    if (value !== undefined)
      from.document.add([...TLS, key], 'has no effect while kafka.tls.enabled is false: set that to true');
  }
  return undefined;
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
