import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Authority, type Certificate, createAuthority, inProperties } from './certificates.ts';
import { SINGLE_NODE_PROPERTIES, propertiesText } from './kafka-config.ts';
import { createKafkaProcess } from './kafka-process.ts';
import { freePorts } from './ports.ts';
import { TokenServer } from './token-server.ts';
import { Workplace } from './workplace.ts';

const HOST = '127.0.0.1';

/** PLAIN is for setting things up: who connects there may do everything. TLS, MTLS and EXPIRED are without SASL. */
const LISTENERS = {
  CONTROLLER: 'PLAINTEXT',
  PLAIN: 'PLAINTEXT',
  TLS: 'SSL',
  MTLS: 'SSL',
  EXPIRED: 'SSL',
  SASL: 'SASL_SSL',
} as const;
type Listener = keyof typeof LISTENERS;

/** Users of the SASL listener: each has the password `<name>-secret`, with any mechanism that has passwords. */
const USERS = ['ferry', 'source', 'sink', 'reader', 'checker', 'nobody', 'ferry-2'] as const;
/** Sessions of this mechanism must be renewed so often. */
export const SHORT_SESSION_MS = 12_000;
const LONG_SESSION_MS = 3_600_000;

/** Users of PLAIN come with the broker's configuration, those of SCRAM with its formatting. */
const mechanisms = (keySetFile: string): Readonly<Record<string, string>> => {
  const modules = 'org.apache.kafka.common.security';
  const plainUsers = USERS.map((user) => ` user_${user}="${user}-secret"`).join('');
  const oauth = 'listener.name.sasl.oauthbearer';
  const handler = `${modules}.oauthbearer.OAuthBearerValidatorCallbackHandler`;
  return {
    'listener.name.sasl.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    'listener.name.sasl.plain.sasl.jaas.config': `${modules}.plain.PlainLoginModule required${plainUsers};`,
    'listener.name.sasl.scram-sha-256.sasl.jaas.config': `${modules}.scram.ScramLoginModule required;`,
    'listener.name.sasl.scram-sha-512.sasl.jaas.config': `${modules}.scram.ScramLoginModule required;`,
    'listener.name.sasl.scram-sha-256.connections.max.reauth.ms': String(SHORT_SESSION_MS),
    [`${oauth}.sasl.jaas.config`]: `${modules}.oauthbearer.OAuthBearerLoginModule required;`,
    [`${oauth}.sasl.server.callback.handler.class`]: handler,
    // The default validator of Kafka 4.1.0 looks at no signature. It is asked for without a listener's prefix.
    'sasl.oauthbearer.jwt.validator.class': `${modules}.oauthbearer.BrokerJwtValidator`,
    [`${oauth}.sasl.oauthbearer.jwks.endpoint.url`]: `file://${keySetFile}`,
    // A session ends with its token, and at the latest then.
    [`${oauth}.connections.max.reauth.ms`]: String(LONG_SESSION_MS),
  };
};

const keyStore = (listener: string, { certFile, keyFile }: Certificate): Readonly<Record<string, string>> => ({
  [`listener.name.${listener}.ssl.keystore.type`]: 'PEM',
  [`listener.name.${listener}.ssl.keystore.certificate.chain`]: inProperties(certFile),
  [`listener.name.${listener}.ssl.keystore.key`]: inProperties(keyFile),
});

const certificates = async (authority: Authority): Promise<Readonly<Record<string, string>>> => {
  const broker = await authority.issue('broker');
  return {
    ...keyStore('tls', broker),
    ...keyStore('mtls', broker),
    ...keyStore('sasl', broker),
    ...keyStore('expired', await authority.issue('expired', { days: -1 })),
    'listener.name.mtls.ssl.client.auth': 'required',
    'listener.name.mtls.ssl.truststore.type': 'PEM',
    'listener.name.mtls.ssl.truststore.certificates': inProperties(authority.caFile),
  };
};

const listeners = (ports: Readonly<Record<Listener, number>>): Readonly<Record<string, string>> => {
  const names = Object.keys(LISTENERS) as Listener[];
  const address = (name: Listener): string => `${name}://${HOST}:${ports[name]}`;
  return {
    listeners: names.map(address).join(','),
    'advertised.listeners': names
      .filter((name) => name !== 'CONTROLLER')
      .map(address)
      .join(','),
    'listener.security.protocol.map': names.map((name) => `${name}:${LISTENERS[name]}`).join(','),
    'inter.broker.listener.name': 'PLAIN',
    'controller.quorum.bootstrap.servers': `${HOST}:${ports.CONTROLLER}`,
  };
};

const ACCESS_CONTROL = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS;User:ferry;User:CN=ferry;User:CN=broker',
};

export interface SecuredKafka {
  /** host:port of a listener, as a list of seeds. */
  readonly brokers: Readonly<Record<Listener, readonly string[]>>;
  readonly authority: Authority;
  /** Nobody trusts its certificates. */
  readonly strangers: Authority;
  readonly tokens: TokenServer;
  readonly tokenUrl: string;
  /** A path for a file of the test. */
  path(name: string): string;
  stop(): Promise<void>;
}

/**
 * One broker with a listener for each way to connect, and ACLs on. Always a local process: its token server is on this
 * machine's loopback.
 */
export const startSecuredKafka = async (): Promise<SecuredKafka> => {
  const workplace = new Workplace();
  const tokens = new TokenServer();
  const keySetFile = workplace.path('jwks');
  writeFileSync(keySetFile, tokens.keySet);
  const [authority, strangers, found] = await Promise.all([
    createAuthority(workplace.path('ca')),
    createAuthority(workplace.path('strangers')),
    freePorts(Object.keys(LISTENERS).length),
  ]);
  const ports = Object.fromEntries(Object.keys(LISTENERS).map((name, at) => [name, found[at]])) as Record<
    Listener,
    number
  >;
  const stores = await certificates(authority);
  const scram = USERS.flatMap((name) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((hash) => [
      '--add-scram',
      `${hash}=[name=${name},password=${name}-secret]`,
    ]),
  );
  const server = await createKafkaProcess({
    workplace,
    properties: (dataDir) =>
      propertiesText({
        ...SINGLE_NODE_PROPERTIES,
        ...listeners(ports),
        ...stores,
        ...mechanisms(keySetFile),
        ...ACCESS_CONTROL,
        'log.dirs': dataDir,
      }),
    port: ports.PLAIN,
    formatArgs: ['--standalone', ...scram],
    jvmFlags: ['-Xmx400m', `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=file://${keySetFile}`],
  });
  await server.start();
  const tokenUrl = await tokens.start();
  return {
    brokers: Object.fromEntries(
      Object.entries(ports).map(([name, port]) => [name, [`${HOST}:${port}`]]),
    ) as unknown as SecuredKafka['brokers'],
    authority,
    strangers,
    tokens,
    tokenUrl,
    path: (name) => {
      mkdirSync(join(workplace.dir, 'files'), { recursive: true });
      return join(workplace.dir, 'files', name);
    },
    stop: async () => {
      await tokens.stop();
      await workplace.close();
    },
  };
};
