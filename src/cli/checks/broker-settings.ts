import type { KafkaConnection } from '../../clients/kafka/connect.ts';
import type { KafkaAdmin, TopicDescription, TopicSpec } from '../../clients/kafka/port.ts';
import { isKeyferryError, messageOf } from '../../core/errors.ts';
import { topicRoute } from '../../redis-to-kafka/publish/routing.ts';
import { type Finding, fail, failure, ok, warn } from './finding.ts';

/** A source of events, as far as its topics are concerned; structurally one of the configuration. */
export interface CheckedEvents {
  readonly name: string;
  readonly type: 'stream' | 'list';
  readonly database: number;
  readonly topic: string;
  readonly partitions: number;
  /** undefined: its records have no key. */
  readonly recordKey?: string | undefined;
  readonly deadLetter?: string | undefined;
}

export const alter = (topic: string, setting: string): string =>
  `kafka-configs --alter --entity-type topics --entity-name ${topic} --add-config ${setting}`;

const isCompacted = ({ config }: TopicDescription): boolean => (config.get('cleanup.policy') ?? '').includes('compact');

/** Each write waits for all in-sync replicas, and Kafka refuses it where they are fewer than the topic demands. */
export const replicaFindings = ({ name, replicationFactor, config }: TopicDescription): readonly Finding[] => {
  const needed = Number(config.get('min.insync.replicas') ?? 1);
  const subject = `topic ${name}`;
  if (needed > replicationFactor) {
    const what = `wants ${needed} replicas in sync (min.insync.replicas) and has ${replicationFactor}: it takes no write at all`;
    return [fail(subject, what, alter(name, `min.insync.replicas=${replicationFactor}`))];
  }
  if (replicationFactor > 1 && needed === replicationFactor) {
    const what = `wants all of its ${needed} replicas in sync: no write passes while one broker is away`;
    return [warn(subject, what, alter(name, `min.insync.replicas=${needed - 1}`))];
  }
  if (replicationFactor > 1 && needed === 1) {
    const what = 'takes writes that one broker alone holds (min.insync.replicas=1): they are lost with it';
    return [warn(subject, what, alter(name, 'min.insync.replicas=2'))];
  }
  return [];
};

/** A topic that is missing: whether `run` could create it. Kafka is asked to check the creation, and to do nothing. */
export const missingTopic = async (admin: KafkaAdmin, topic: TopicSpec, what: string): Promise<Finding> => {
  const subject = `topic ${topic.name}`;
  try {
    await admin.create({ ...topic, validateOnly: true });
    return ok(subject, `is missing; run creates it, ${what}, ${topic.partitions} partitions`);
  } catch (error) {
    const isDenied = isKeyferryError(error, 'KF_KAFKA_PERMISSION');
    const todo = `create it (${what}, ${topic.partitions} partitions)${isDenied ? `, or grant Create on topic ${topic.name}` : ''}`;
    if (isDenied) return fail(subject, 'is missing, and this user may not create it', todo);
    if (!isKeyferryError(error, 'KF_KAFKA_REFUSED')) return failure(subject, error, todo);
    return fail(subject, `is missing, and Kafka would not create it: ${messageOf(error)}`, todo);
  }
};

/** What compaction means for events, each of which counts. */
export const eventTopicFindings = (topic: TopicDescription, { name, recordKey }: CheckedEvents): readonly Finding[] => {
  if (!isCompacted(topic)) return [];
  const subject = `topic ${topic.name}`;
  const todo = alter(topic.name, 'cleanup.policy=delete');
  if (recordKey === undefined)
    return [fail(subject, `is compacted: it refuses the records of source ${name}, which have no key`, todo)];
  return [warn(subject, `is compacted: of the events of source ${name} that share a key, only the last is kept`, todo)];
};

/** Dead letters keep the key that they had, which may be none. */
export const deadLetterFindings = (topic: TopicDescription, who: string): readonly Finding[] => {
  if (!isCompacted(topic)) return [];
  const what = `is compacted, and takes the dead letters of ${who}: it refuses those without a key, and drops others`;
  return [fail(`topic ${topic.name}`, what, alter(topic.name, 'cleanup.policy=delete'))];
};

/** Secrets that travel so that others can read them. */
export const plainSecretFindings = (subject: string, { tls, sasl }: KafkaConnection): readonly Finding[] => {
  const findings: Finding[] = [];
  const isBare = sasl?.mechanism === 'plain' || sasl?.mechanism === 'oauthbearer';
  if (isBare && tls === undefined) {
    const what = `is logged in to with ${sasl.mechanism} and without TLS: whoever listens has the secret`;
    findings.push(warn(subject, what, 'set kafka.tls.enabled, or use scram-sha-512'));
  }
  if (sasl?.mechanism === 'oauthbearer' && sasl.tokenUrl.startsWith('http:')) {
    findings.push(warn(subject, 'has its tokens fetched over http: whoever listens has the secret', 'use https'));
  }
  return findings;
};

/** The topic of all events where its name is fixed; undefined where it depends on the Redis key. */
export const eventTopic = ({ topic, name, database }: CheckedEvents): string | undefined =>
  topicRoute(topic, name, database).only;
