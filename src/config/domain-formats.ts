import { RESERVED_PREFIX } from '../core/key-name.ts';
import { type Format, format, text } from './format.ts';

const MAX_TOPIC_LENGTH = 249;
const TOPIC = /^[a-zA-Z0-9._-]+$/;

export const isTopicName = (name: string): boolean =>
  TOPIC.test(name) && name.length <= MAX_TOPIC_LENGTH && name !== '.' && name !== '..';

export const topicName = format<string>({
  type: 'topic',
  expects: `a Kafka topic name: letters, digits, "." "_" "-", at most ${MAX_TOPIC_LENGTH}`,
  read: (raw) => (typeof raw === 'string' && isTopicName(raw) ? raw : undefined),
});

const PLACEHOLDER = /\{([^{}]*)\}/g;

/** @throws Error naming the first placeholder that is none of the known ones. */
const checkPlaceholders = (raw: string, known: RegExp, names: string): void => {
  for (const [whole, name = ''] of raw.matchAll(PLACEHOLDER)) {
    if (!known.test(name)) throw new Error(`has the unknown placeholder ${whole}: known are ${names}`);
  }
  if (/[{}]/.test(raw.replace(PLACEHOLDER, ''))) throw new Error('has a "{" or "}" without the other one');
};

const topics = (known: RegExp, names: string) =>
  format<string>({
    type: 'topic template',
    expects: `a topic name (letters, digits, "." "_" "-"), with ${names} where they are wanted`,
    read: (raw) => {
      if (typeof raw !== 'string') return undefined;
      checkPlaceholders(raw, known, names);
      return isTopicName(raw.replace(PLACEHOLDER, '0')) ? raw : undefined;
    },
  });

export const topicTemplate = topics(/^(db|type|source|[1-9]\d*)$/, '{db} {type} {source} {1} {2} ...');
export const eventTopicTemplate = topics(/^(db|source|[1-9]\d*)$/, '{db} {source} {1} {2} ...');

const keys = (known: RegExp, names: string) =>
  format<string>({
    type: 'key template',
    expects: `a text with at least one of ${names}`,
    read: (raw) => {
      if (typeof raw !== 'string') return undefined;
      checkPlaceholders(raw, known, names);
      return raw.match(PLACEHOLDER) === null ? undefined : raw;
    },
  });

/** Of a record that carries a stream's entry. */
export const entryKey = keys(/^(key|id|field:.+)$/, '{key} {id} {field:NAME}');
/** Of a record that carries a list's item. */
export const itemKey = keys(/^key$/, '{key}');
const REDIS_KEY = '{key} {topic} {partition} {offset} {value.PATH} {header.NAME}';

/** @throws Error where a key, whatever its placeholders stand for, is one of those that Keyferry writes for itself. */
const checkNotReserved = (raw: string): void => {
  if (raw.startsWith(RESERVED_PREFIX)) throw new Error(`begins with ${RESERVED_PREFIX}: such keys are Keyferry's own`);
};

const notReserved = (keys: Format<string>): Format<string> => ({
  ...keys,
  parse: (raw) => {
    const value = keys.parse(raw);
    checkNotReserved(value);
    return value;
  },
});

export const listName = notReserved(text);

/** Of a Redis key that a plain record is written to: one key for all of them, such as a queue's, needs no placeholder. */
export const redisKey = format<string>({
  type: 'key template',
  expects: `a text, with ${REDIS_KEY} where they are wanted; "{{" and "}}" are braces`,
  read: (raw) => {
    if (typeof raw !== 'string' || raw === '') return undefined;
    checkPlaceholders(
      raw.replace(/\{\{|\}\}/g, ''),
      /^(key|topic|partition|offset|value(\..+)?|header\..+)$/,
      REDIS_KEY,
    );
    checkNotReserved(raw);
    return raw;
  },
});

const PLACEHOLDER_IN_HOST = /^[^/]*\/\/[^/\\?#]*\{/;

/** An HTTP address that a missing key is fetched from. */
export const originUrl = format<string>({
  type: 'URL template',
  expects: 'http:// or https://, with {key}, or {1} {2} ... for the ":"-separated parts of the key',
  read: (raw) => {
    if (typeof raw !== 'string') return undefined;
    checkPlaceholders(raw, /^(key|[1-9]\d*)$/, '{key} {1} {2} ...');
    // Whoever asks for a key would choose the server that Keyferry asks.
    if (PLACEHOLDER_IN_HOST.test(raw))
      throw new Error('has a placeholder in its host: they may stand in path and query');
    const address = raw.replace(PLACEHOLDER, '0');
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (url === undefined || !['http:', 'https:'].includes(url.protocol)) return undefined;
    if (url.username !== '' || url.password !== '')
      throw new Error('holds a user or password, which are not sent: remove them');
    return raw;
  },
});

export const httpUrl = format<string>({
  type: 'URL',
  expects: 'http:// or https://',
  read: (raw) => {
    const url = typeof raw === 'string' && URL.canParse(raw) ? new URL(raw) : undefined;
    if (url === undefined || !['http:', 'https:'].includes(url.protocol)) return undefined;
    if (url.username !== '' || url.password !== '')
      throw new Error('holds a user or password, which are not sent: remove them');
    return String(raw);
  },
});

/** Redis takes a pattern that does not end as it can; a typing mistake is likelier than the wish. */
export const glob = format<string>({
  type: 'glob',
  expects: 'a Redis glob pattern: * ? [a-z] [^a], "\\" before a character that stands for itself',
  read: (raw) => {
    if (typeof raw !== 'string' || raw === '') return undefined;
    const rest = raw.replace(/\\[^]/g, '').replace(/\[[^\]]*\]/g, '');
    if (rest.includes('[')) throw new Error('has a "[" without its "]": close it, or write "\\["');
    if (rest.endsWith('\\')) throw new Error('ends in a lone "\\": write "\\\\"');
    return raw;
  },
});

export const streamGlob = notReserved(glob);

const MAX_PORT = 65_535;

export const broker = format<string>({
  type: 'host:port',
  expects: 'host:port',
  read: (raw) => {
    const [, port] = (typeof raw === 'string' && /^(?:[^\s:/@[\]]+|\[[0-9a-fA-F:.]+\]):(\d+)$/.exec(raw)) || [];
    return port !== undefined && Number(port) >= 1 && Number(port) <= MAX_PORT ? String(raw) : undefined;
  },
});

/** Also a part of topic, metric and state store names. */
export const name = format<string>({
  type: 'name',
  expects: 'a name of letters, digits, "." "_" "-", at most 100',
  read: (raw) => (typeof raw === 'string' && raw.length <= 100 && TOPIC.test(raw) ? raw : undefined),
});

export const redisUrl = format<string>({
  type: 'URL',
  expects: 'redis:// or rediss:// (TLS), then [user:password@]host[:port][/database]',
  read: (raw) => {
    const value = text.parse(raw);
    const url = URL.canParse(value) ? new URL(value) : undefined;
    const unusable =
      url === undefined ||
      !['redis:', 'rediss:'].includes(url.protocol) ||
      url.hostname === '' ||
      !/^(\/\d{0,5})?$/.test(url.pathname) ||
      url.search !== '' ||
      url.hash !== '';
    return unusable || !isDecodable(url.username) || !isDecodable(url.password) ? undefined : value;
  },
});

const isDecodable = (part: string): boolean => {
  try {
    decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
};
