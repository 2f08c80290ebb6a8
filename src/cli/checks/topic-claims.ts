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

export const claimsOf = ({ name, databases, topic }: SourceTopics): readonly Claim[] =>
  databases.map((db) => ({ source: name, db, route: topicRoute(topic, name, db) }));

/** Topics of a claim: those that stand in its template, or those that exist and could come from it. */
export const claimedTopics = ({ route }: Claim, existing: readonly string[]): readonly string[] =>
  route.only === undefined ? existing.filter((topic) => route.pattern.test(topic)) : [route.only];

/**
 * I1: a topic has one last record for a key, so two keyspaces cannot share it.
 * @param existing topics that exist: what templates can name is not known before.
 */
export const sharedTopics = (sources: readonly SourceTopics[], existing: readonly string[]): readonly Finding[] => {
  const claims = sources.flatMap(claimsOf);
  const named = claims.flatMap(({ route }) => route.only ?? []);
  const topics = new Set([...existing, ...named]);
  return [...topics].flatMap((topic) => {
    const claimants = claims.filter(({ route }) => route.pattern.test(topic));
    if (claimants.length < 2) return [];
    const who = claimants.map(({ source, db }) => `${source} (database ${db})`).join(' and ');
    return [
      fail(`topic ${topic}`, `is written by ${who}`, 'give each a topic of its own: {source} and {db} tell them apart'),
    ];
  });
};
