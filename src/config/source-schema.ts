import {
  entryKey,
  eventTopicTemplate,
  glob,
  itemKey,
  listName,
  name,
  streamGlob,
  topicName,
  topicTemplate,
} from './domain-formats.ts';
import { type Format, aboveZero, duration, integer, listOf, oneOf, text } from './format.ts';
import { optional, required, setting } from './setting.ts';

const MAX_DATABASE = 99_999;
export const database = integer(0, MAX_DATABASE);

const TYPES = ['keyspace', 'stream', 'list'] as const;

/** What every source has. An element's own type has chosen its section: no other value is met there. */
const common = <Type extends (typeof TYPES)[number]>() => ({
  name: required(name, 'Names the source in logs, metrics and the state store: keep it.'),
  type: setting(
    oneOf(TYPES) as Format<string> as Format<Type>,
    'keyspace',
    "keyspace: keys' latest states; stream: the entries of Redis Streams; list: items taken from queues.",
  ),
  partitions: setting(integer(1, 10_000), '6', 'Of a topic that Keyferry creates; one that exists keeps its own.'),
});

const KEYSPACE = {
  ...common<'keyspace'>(),
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
  format: setting(
    oneOf(['json', 'dump']),
    'json',
    'How a value is written; `dump` is exact for every type and module, but leaves out values above about 1.6 MB.',
  ),
  maxValueBytes: setting(
    integer(1, 500_000_000),
    '1000000',
    'Of an encoded value. A larger one stays in Redis: its record says type and size only. See `format` for `dump`.',
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
};

/** Of sources that carry events: each goes to the topic once or more, and none is left out. */
const events = <Type extends 'stream' | 'list'>() => ({
  ...common<Type>(),
  database: optional(database, 'The database to read. Without it, the one that redis.url names, or 0.'),
  topic: required(
    eventTopicTemplate,
    'Where the records go. {db}, {source}; {1} {2} ... are the ":"-separated parts of the Redis key.',
  ),
  deadLetter: optional(
    topicName,
    'Where goes what cannot become a record. Without it, such an entry or item stops the source.',
  ),
});

const STREAM = {
  ...events<'stream'>(),
  keys: required(listOf(streamGlob), 'The streams: Redis globs. Streams that appear later are found.'),
  group: setting(text, 'keyferry', 'The consumer group in Redis; it holds the position. Created where missing.'),
  consumer: optional(text, 'How this daemon is called within the group. Without it, as kafka.clientId says.'),
  from: setting(oneOf(['beginning', 'end']), 'beginning', 'Where a group begins that Keyferry creates.'),
  recordKey: setting(
    entryKey,
    '{key}',
    "The record's key: {key} the stream's name, {id} the entry's ID, {field:customer} a field. It decides the order.",
  ),
  trim: setting(
    oneOf(['none', 'acknowledged']),
    'none',
    '`acknowledged` removes entries that every group of the stream has read and acknowledged.',
  ),
  batch: setting(integer(1, 10_000), '500', 'Entries read at once from a stream.'),
  claimAfter: setting(
    duration,
    '60s',
    'Entries that another consumer of the group left unacknowledged for so long are taken over; 0: never.',
  ),
  discoverEvery: setting(aboveZero, '5s', 'How often the globs in keys are looked up.'),
};

const LIST = {
  ...events<'list'>(),
  keys: required(listOf(listName), 'The lists, by name.'),
  take: setting(oneOf(['right', 'left']), 'right', 'The end to take from; BRPOP workers take from the right.'),
  recordKey: optional(
    itemKey,
    "The record's key: {key} the list's name. Without it, records have no key and go to any partition.",
  ),
  batch: setting(integer(1, 10_000), '500', 'Items taken at once from a list.'),
};

/** By `type`. */
export const SOURCES = { keyspace: KEYSPACE, stream: STREAM, list: LIST };
