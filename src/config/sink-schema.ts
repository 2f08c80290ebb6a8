import { name, redisKey, topicName } from './domain-formats.ts';
import { type Format, integer, lifetime, listOf, oneOf, text } from './format.ts';
import { OTHER_REDIS } from './redis-schema.ts';
import { optional, required, setting } from './setting.ts';
import { database } from './source-schema.ts';

const FORMATS = ['keyferry', 'json', 'string'] as const;

/** What every sink has. An element's own format has chosen its section: no other value is met there. */
const common = <Form extends (typeof FORMATS)[number]>() => ({
  name: required(name, 'Names the sink in logs, metrics and what it notes in Redis: keep it.'),
  topics: required(listOf(topicName), 'The topics to apply.'),
  group: required(text, 'The consumer group; it holds the position. One of its own for each sink.'),
  format: setting(
    oneOf(FORMATS) as Format<string> as Format<Form>,
    'keyferry',
    'keyferry: records of a keyspace source, either format; json and string: any others.',
  ),
  database: optional(database, "The database to write to. Without it, the one that the sink's redis.url names, or 0."),
  deadLetter: optional(
    topicName,
    'Where a record goes that cannot be applied. Without it, such a record stops the sink.',
  ),
  redis: OTHER_REDIS,
});

const plain = <Form extends 'json' | 'string'>() => ({
  ...common<Form>(),
  key: setting(
    redisKey,
    '{key}',
    "The Redis key to write: {key} the record's, {topic}, {partition}, {offset}, {value.PATH} of a JSON value, {header.NAME}.",
  ),
  as: setting(
    oneOf(['string', 'hash', 'list', 'set', 'zset', 'stream', 'json']),
    'string',
    'The type to write. A record replaces the key; to a list or stream it is appended.',
  ),
  expire: setting(lifetime, '0', 'How long a key lives after a record was written to it; 0: for good.'),
  maxLength: optional(integer(1, 1_000_000_000), 'Of a list or stream: what is older is removed.'),
  push: setting(oneOf(['left', 'right']), 'left', 'The end of a list to push to; BRPOP workers take from the right.'),
});

/** By `format`. */
export const SINKS = { keyferry: common<'keyferry'>(), json: plain<'json'>(), string: plain<'string'>() };
