import { broker, name, redisUrl } from './domain-formats.ts';
import { boolean, listOf, oneOf, text } from './format.ts';
import { optional, secret, setting } from './setting.ts';

const passwordFile = optional(
  text,
  'A file that holds the password, read for each connection; its last line break is not part of it.',
);

const TLS = {
  enabled: setting(boolean, 'false', 'Whether connections are encrypted; a rediss:// URL says so too.'),
  caFile: optional(
    text,
    "PEM of the CAs that may have signed the servers' certificates. Without it, those Node knows.",
  ),
  certFile: optional(
    text,
    'PEM of the certificate that shows who we are (mutual TLS); it is read for each connection.',
  ),
  keyFile: optional(text, 'PEM of its private key, not encrypted.'),
  serverName: optional(text, 'The name that the certificates must have, where it is not that of the host.'),
};

/** Where Redis is, and how to get in. */
export const REDIS = {
  url: secret(
    setting(
      redisUrl,
      'redis://127.0.0.1:6379',
      'The server, with user and database; rediss:// for TLS; special characters %-encoded. Of sentinels only user, password and database count.',
    ),
  ),
  password: secret(optional(text, 'The password, where it does not stand in the URL.')),
  passwordFile,
  topology: setting(
    oneOf(['standalone', 'sentinel', 'cluster']),
    'standalone',
    'How the servers stand together: `sentinel` asks the nodes for the master, and follows it; `cluster` follows all masters.',
  ),
  nodes: setting(listOf(broker, 0), '', 'The sentinels, all of them.'),
  sentinelName: setting(name, 'mymaster', 'The name by which the sentinels know the master.'),
  sentinelUsername: optional(text, 'The user at the sentinels, which have users of their own.'),
  sentinelPassword: secret(optional(text, 'The password at the sentinels.')),
  sentinelPasswordFile: optional(text, 'A file that holds it, read for each connection.'),
  tls: TLS,
};

/** A Redis of its own, where it is another one. */
export const OTHER_REDIS = {
  url: secret(optional(redisUrl, 'The server, where it is another one than `redis.url`.')),
  password: REDIS.password,
  passwordFile,
  tls: TLS,
};
