import { broker, glob, httpUrl, name, originUrl } from './domain-formats.ts';
import { aboveZero, boolean, duration, integer, lifetimeAboveZero, listOf, oneOf, share, text } from './format.ts';
import { REDIS } from './redis-schema.ts';
import { elements, optional, required, secret, setting } from './setting.ts';

import { SINKS } from './sink-schema.ts';
import { SOURCES } from './source-schema.ts';

/**
 * The one declaration of every key: it gives the types, the defaults, the names in the environment, and
 * docs/configuration.md (npm run docs:config).
 */
const KAFKA_TLS = {
  enabled: setting(boolean, 'false', 'Whether connections to the brokers are encrypted.'),
  caFile: optional(
    text,
    "PEM of the CAs that may have signed the brokers' certificates. Without it, those Node knows.",
  ),
  certFile: optional(
    text,
    'PEM of the certificate that shows who we are (mutual TLS); it is read for each connection.',
  ),
  keyFile: optional(text, 'PEM of its private key, not encrypted.'),
  serverName: optional(text, 'The name that the certificates must have, where it is not that of the host.'),
};

const KAFKA_SASL = {
  mechanism: optional(
    oneOf(['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer']),
    'How to log in. `plain` and `oauthbearer` show the secret to whoever can listen: use TLS. Without it, no login.',
  ),
  username: optional(text, 'The user; not for oauthbearer.'),
  password: secret(optional(text, 'The password; not for oauthbearer.')),
  passwordFile: optional(
    text,
    'A file that holds it, read for each connection; its last line break is not part of it.',
  ),
  tokenUrl: secret(optional(httpUrl, 'oauthbearer: where tokens are to be had (client credentials grant).')),
  clientId: optional(text, 'oauthbearer: who we are to the token server.'),
  clientSecret: secret(optional(text, 'oauthbearer: the secret of that client.')),
  clientSecretFile: optional(text, 'oauthbearer: a file that holds it, read for each token.'),
  scope: optional(text, 'oauthbearer: the scopes to ask for, with spaces between.'),
};

const KAFKA = {
  brokers: setting(listOf(broker), '127.0.0.1:9092', 'Where to find the cluster.'),
  clientId: setting(name, 'keyferry', 'How this daemon calls itself to the brokers.'),
  client: setting(oneOf(['platformatic', 'kafkajs']), 'platformatic', 'The client library behind the Kafka port.'),
  tls: KAFKA_TLS,
  sasl: KAFKA_SASL,
};

const HTTP_TLS = {
  enabled: setting(boolean, 'false', 'Whether the interface is served by HTTPS only.'),
  certFile: optional(text, 'PEM of the certificate, with those between it and its CA. A renewed one is found.'),
  keyFile: optional(text, 'PEM of its private key, not encrypted.'),
  caFile: optional(
    text,
    'PEM of the CAs whose certificates clients must show, probes too. Without it, they need none.',
  ),
};

const HTTP = {
  host: setting(text, '127.0.0.1', 'The address to listen on.'),
  port: setting(integer(0, 65_535), '8080', 'The port to listen on; 0: any free one.'),
  allowUnauthenticated: setting(
    boolean,
    'false',
    'Whether to listen beyond loopback although no token protects the interface.',
  ),
  token: secret(optional(text, 'The bearer token that all but /livez, /readyz and /metrics needs.')),
  tokenFile: optional(text, 'A file that holds the token; its last line break is not part of it.'),
  readOnlyToken: secret(optional(text, 'A second token, whose owner may read and change nothing.')),
  readOnlyTokenFile: optional(text, 'A file that holds the read-only token.'),
  tls: HTTP_TLS,
  rateLimit: setting(
    integer(0, 1_000_000),
    '0',
    "Requests per second of one address, with or without a token, probes and the page's own files apart; 0: as many as they like.",
  ),
  maxBodyBytesInFlight: setting(
    integer(1, 4_000_000_000),
    '100000000',
    'Of all requests under way; one that has no room is answered with 503.',
  ),
  showValues: setting(boolean, 'false', 'Whether the live tail of changes shows the beginnings of values.'),
  clientTimeout: setting(
    duration,
    '10s',
    'How long a client may take to send a request, or to read an answer, which may take 1 s more for each 100 kB.',
  ),
};

const READ_THROUGH = {
  pattern: required(glob, 'A Redis glob: keys that are fetched when a GET does not find them. The first rule counts.'),
  url: secret(
    required(originUrl, 'Where to fetch: {key}, percent-encoded, or {1} {2} ... for its ":"-separated parts.'),
  ),
  ttl: setting(lifetimeAboveZero, '1m', 'How long what was fetched stays in Redis.'),
  timeout: setting(aboveZero, '5s', 'How long the origin may take.'),
};

/** Applications that write and read through the daemon. */
const REST = {
  enabled: setting(boolean, 'true', 'Whether /redis takes commands for `redis.url`.'),
  ackTimeout: setting(
    aboveZero,
    '10s',
    'How long a write with `Keyferry-Ack: kafka` waits for Kafka before it is answered with 504.',
  ),
  maxBodyBytes: setting(integer(1, 500_000_000), '10000000', 'Of a request.'),
  readThrough: elements({ by: undefined, sections: { rule: READ_THROUGH } }),
};

/** OpenTelemetry; what the standard environment variables say holds where nothing is said here. */
const TRACING = {
  enabled: setting(boolean, 'false', 'Whether writes over Redis REST are traced to Kafka and through sinks.'),
  endpoint: optional(
    httpUrl,
    'Base address of the collector, OTLP over HTTP. Without it, as OTEL_EXPORTER_OTLP_ENDPOINT says, or http://localhost:4318.',
  ),
  serviceName: optional(text, 'Who we are to the collector. Without it, as OTEL_SERVICE_NAME says, or keyferry.'),
  sampleRatio: setting(
    share,
    '1',
    'The share of traces that is kept, of those that begin here; of others, whoever began them decides.',
  ),
};

export const MAIN = {
  redis: REDIS,
  kafka: KAFKA,
  sources: elements({ by: 'type', sections: SOURCES }),
  sinks: elements({ by: 'format', sections: SINKS }),
  http: HTTP,
  rest: REST,
  state: {
    path: setting(text, './keyferry-state', 'The directory of the state store, on a disk that outlives the process.'),
  },
  tracing: TRACING,
  log: {
    level: setting(
      oneOf(['debug', 'info', 'warn', 'error']),
      'info',
      'The least severe of the lines that are written.',
    ),
    format: setting(
      oneOf(['auto', 'json', 'pretty']),
      'auto',
      '`pretty` is for people, `json` for everything else; `auto`: `pretty` on a terminal, else `json`.',
    ),
  },
};
