import { type KeyName, keyBytes } from '../../core/key-name.ts';

/** Chooses the topic of a key's record. */
export interface TopicRoute {
  /** The one topic of every key, whatever its name and type; undefined where they matter. */
  readonly only: string | undefined;
  topicOf(key: KeyName, redisType: string): string;
  /** Matches the topics that this route can name: where to look for what was published before. */
  readonly pattern: RegExp;
}

const PLACEHOLDER = /\{(db|type|source|[1-9]\d*)\}/g;

/** What Kafka allows in a topic name; anything else becomes `_`, so that no key is refused for its name. */
const topicSafe = (text: string): string => text.replace(/[^a-zA-Z0-9._-]/g, '_');

/**
 * A topic template of a keyspace source: `{db}`, `{source}`, `{type}`, and `{1}` `{2}` ... for the ":"-separated parts of
 * the key (`none` where the key has no such part). Two keys may share a topic; one key's topic depends on nothing else.
 */
export const topicRoute = (template: string, source: string, db: number): TopicRoute => {
  const known = template.replaceAll('{db}', String(db)).replaceAll('{source}', topicSafe(source));
  const fixed = !/\{(type|[1-9]\d*)\}/.test(known);
  const pattern = new RegExp(
    `^${known
      .split(PLACEHOLDER)
      .map((part, at) => (at % 2 === 1 ? '[a-zA-Z0-9._-]+' : part.replace(/[.]/g, '\\.')))
      .join('')}$`,
  );
  if (fixed) return { only: known, pattern, topicOf: () => known };
  const topicOf = (key: KeyName, redisType: string): string => {
    let parts: string[] | undefined;
    return known.replace(PLACEHOLDER, (_, name: string) => {
      if (name === 'type') return topicSafe(redisType);
      parts ??= keyBytes(key).toString('utf8').split(':');
      const part = parts[Number(name) - 1];
      return part === undefined || part === '' ? 'none' : topicSafe(part);
    });
  };
  return { only: undefined, pattern, topicOf };
};
