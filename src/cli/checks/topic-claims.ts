import { type TopicRoute, topicRoute } from '../../redis-to-kafka/publish/routing.ts';
import { type Finding, fail } from './finding.ts';

/** A source as far as its topics are concerned; structurally a source of the configuration. */
export interface SourceTopics {
  readonly name: string;
  readonly databases: readonly number[];
  /** A template: redis-to-kafka/publish/routing.ts. */
  readonly topic: string;
}

/** One database of a source, and the topics that its records go to. */
export interface Claim {
  readonly source: string;
  readonly db: number;
  readonly route: TopicRoute;
}

/** A source of events, whose records have keys of their own. */
export interface EventTopic {
  readonly name: string;
  readonly database: number;
  readonly topic: string;
}

export const claimsOf = ({ name, databases, topic }: SourceTopics): readonly Claim[] =>
  databases.map((db) => ({ source: name, db, route: topicRoute(topic, name, db) }));

/** Topics of a claim: those that stand in its template, or those that exist and could come from it. */
export const claimedTopics = ({ route }: Claim, existing: readonly string[]): readonly string[] =>
  route.only === undefined ? existing.filter((topic) => route.pattern.test(topic)) : [route.only];

/**
 * I1: a topic has one last record for a key, so two keyspaces cannot share it, nor a keyspace and events, whose keys
 * would be taken for those of Redis. Events may share one.
 * @param existing topics that exist: what templates can name is not known before.
 */
export const sharedTopics = (
  sources: readonly SourceTopics[],
  existing: readonly string[],
  events: readonly EventTopic[] = [],
): readonly Finding[] => {
  const keyspaces = sources.flatMap(claimsOf);
  const others = events.flatMap(({ database, ...rest }) => claimsOf({ ...rest, databases: [database] }));
  const named = [...keyspaces, ...others].flatMap(({ route }) => route.only ?? []);
  const topics = new Set([...existing, ...named]);
  return [...topics].flatMap((topic) => {
    const claiming = (claims: readonly Claim[]): readonly Claim[] =>
      claims.filter(({ route }) => route.pattern.test(topic));
    const claimants = [...claiming(keyspaces), ...claiming(others)];
    if (claimants.length < 2 || claiming(keyspaces).length === 0) return [];
    const who = claimants.map(({ source, db }) => `${source} (database ${db})`).join(' and ');
    return [
      fail(`topic ${topic}`, `is written by ${who}`, 'give each a topic of its own: {source} and {db} tell them apart'),
    ];
  });
};
