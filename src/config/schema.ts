import { broker, glob, name, redisUrl, topicName, topicTemplate } from './domain-formats.ts';
import { boolean, duration, integer, listOf, oneOf, text } from './format.ts';
import { elements, later, optional, required, secret, setting } from './setting.ts';

/**
 * The one declaration of every key: it gives the types, the defaults, the names in the environment, and
 * docs/configuration.md (npm run docs:config).
 */
const MAX_DATABASE = 99_999;
const database = integer(0, MAX_DATABASE);

const password = secret(optional(text, 'The password, where it does not stand in the URL.'));
const passwordFile = optional(text, 'A file that holds the password; its last line break is not part of it.');

const REDIS = {
  url: secret(
    setting(redisUrl, 'redis://127.0.0.1:6379', 'The server, with user and database; special characters %-encoded.'),
  ),
  password,
  passwordFile,
  topology: setting(oneOf(['standalone'], ['sentinel', 'cluster']), 'standalone', 'How the servers stand together.'),
  nodes: later('Seeds of a cluster or of the sentinels.'),
  sentinelName: later('The name of the master that the sentinels watch.'),
  tls: later('TLS to Redis.'),
};

const KAFKA = {
  brokers: setting(listOf(broker), '127.0.0.1:9092', 'Where to find the cluster.'),
  clientId: setting(name, 'keyferry', 'How this daemon calls itself to the brokers.'),
  client: setting(oneOf(['platformatic', 'kafkajs']), 'platformatic', 'The client library behind the Kafka port.'),
  tls: later('TLS to Kafka.'),
  sasl: later('SASL credentials.'),
};

const HTTP = {
  host: setting(text, '127.0.0.1', 'The address to listen on.'),
  port: setting(integer(0, 65_535), '8080', 'The port to listen on; 0: any free one.'),
  allowUnauthenticated: setting(
    boolean,
    'false',
    'Whether to listen beyond loopback although no token protects the interface.',
  ),
  token: later('The bearer token of the HTTP interface.'),
  tokenFile: later('A file that holds the token.'),
};

export const SOURCE = {
  name: required(name, 'Names the source in logs, metrics and the state store: keep it.'),
  type: setting(oneOf(['keyspace'], ['stream']), 'keyspace', "keyspace: keys' latest states."),
  databases: optional(
    listOf(database),
    'The databases whose keys are carried. Without it, the one that redis.url names, or 0.',
  ),
  include: setting(listOf(glob), '*', 'Redis globs; a key is carried when one of them matches it.'),
  exclude: setting(listOf(glob, 0), '', 'Redis globs; a key that one of them matches stays out.'),
  topic: setting(
    topicTemplate,
    'redis.{db}',
    'Where the records go. {db}, {type}, {source}; {1} {2} ... are the ":"-separated parts of the key.',
  ),
  partitions: setting(integer(1, 10_000), '6', 'Of a topic that Keyferry creates; one that exists keeps its own.'),
  format: setting(
    oneOf(['json', 'dump']),
    'json',
    'How a value is written; `dump` is exact for every type and module.',
  ),
  maxValueBytes: setting(
    integer(1, 500_000_000),
    '1000000',
    'Of an encoded value. A larger one stays in Redis: its record says type and size only.',
  ),
  maxPendingBytes: setting(
    integer(1_000_000, 100_000_000_000),
    '64000000',
    'Memory for the keys that wait to be read, per database. Past it, a gap opens and a reconcile finds the rest.',
  ),
  notifications: setting(
    oneOf(['manage', 'require']),
    'manage',
    '`manage` adds the flags that notify-keyspace-events lacks, `require` only looks.',
  ),
  reconcileEvery: setting(
    duration,
    '1h',
    'How often all keys are compared with what was published; 0 switches it off.',
  ),
  canaryEvery: setting(
    duration,
    '10s',
    'How often a key of our own proves that notifications come; 0 switches it off.',
  ),
  keys: later('Of a stream source: the streams.'),
  group: later('Of a stream source: the consumer group.'),
  recordKey: later("Of a stream source: the record's key."),
  trim: later('Of a stream source: what becomes of acknowledged entries.'),
};

export const SINK = {
  name: required(name, 'Names the sink in logs and metrics.'),
  topics: required(listOf(topicName), 'The topics to apply.'),
  group: required(text, 'The consumer group; it holds the position. One of its own for each sink.'),
  format: setting(oneOf(['keyferry'], ['json', 'string']), 'keyferry', 'keyferry: records of a source, either format.'),
  database: optional(database, "The database to write to. Without it, the one that the sink's redis.url names, or 0."),
  deadLetter: optional(
    topicName,
    'Where a record goes that cannot be applied. Without it, such a record stops the sink.',
  ),
  redis: {
    url: secret(optional(redisUrl, 'The server to write to, where it is another one than `redis.url`.')),
    password,
    passwordFile,
  },
  key: later('A template of the key to write.'),
  as: later('The type to write.'),
  expire: later('How long a written key lives.'),
};

export const MAIN = {
  redis: REDIS,
  kafka: KAFKA,
  sources: elements(SOURCE),
  sinks: elements(SINK),
  http: HTTP,
  state: {
    path: setting(text, './keyferry-state', 'The directory of the state store, on a disk that outlives the process.'),
  },
  log: {
    level: setting(
      oneOf(['debug', 'info', 'warn', 'error']),
      'info',
      'The least severe of the lines that are written.',
    ),
    format: setting(oneOf(['json', 'pretty']), 'json', '`pretty` is for people, `json` for everything else.'),
  },
};
