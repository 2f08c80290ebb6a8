import type { KafkaConnection } from '../../clients/kafka/connect.ts';
import type { KafkaAdmin, TopicDescription, TopicReader } from '../../clients/kafka/port.ts';
import { HEADER } from '../../core/key-record.ts';
import {
  type CheckedEvents,
  alter,
  deadLetterFindings,
  eventTopic,
  eventTopicFindings,
  missingTopic,
  plainSecretFindings,
  replicaFindings,
} from './broker-settings.ts';
import { type Check, type Finding, fail, failure, ok, warn } from './finding.ts';
import { type Claim, type SourceTopics, claimedTopics, claimsOf, sharedTopics } from './topic-claims.ts';

export interface CheckedSource extends SourceTopics {
  readonly partitions: number;
  readonly maxValueBytes: number;
}

export interface CheckedSink {
  readonly name: string;
  readonly topics: readonly string[];
  readonly deadLetter?: string | undefined;
}

/** A Kafka that answers. */
export interface KafkaContext {
  /** `kafka 127.0.0.1:9092` */
  readonly subject: string;
  readonly admin: KafkaAdmin;
  readonly reader: TopicReader;
  readonly existing: readonly string[];
  readonly sources: readonly CheckedSource[];
  readonly events: readonly CheckedEvents[];
  readonly sinks: readonly CheckedSink[];
  readonly connection: KafkaConnection;
  /** Ids of the Redis that each source reads, by source: undefined where it has none yet, absent where it did not tell. */
  readonly origins: ReadonlyMap<string, string | undefined>;
}

/** A record's key, headers and framing beside its value. */
const RECORD_ROOM_BYTES = 16_384;

/** What a topic's own settings mean for a source. */
export const topicFindings = (topic: TopicDescription, source: CheckedSource): readonly Finding[] => {
  const subject = `topic ${topic.name}`;
  const findings: Finding[] = [];
  const policy = topic.config.get('cleanup.policy') ?? 'unknown';
  if (!policy.includes('compact')) {
    const what = `is not compacted (cleanup.policy=${policy}): Kafka will drop the records of keys that change rarely`;
    findings.push(fail(subject, what, alter(topic.name, 'cleanup.policy=compact')));
  } else if (policy.includes('delete')) {
    const what = `has cleanup.policy=${policy}: Kafka will drop records that are too old, compacted or not`;
    findings.push(warn(subject, what, alter(topic.name, 'cleanup.policy=compact')));
  }
  if (topic.partitions !== source.partitions) {
    const what = `has ${topic.partitions} partitions, where source ${source.name} says ${source.partitions}`;
    findings.push(warn(subject, what, `write partitions: ${topic.partitions}; more partitions would move keys`));
  }
  const limit = Number(topic.config.get('max.message.bytes') ?? Infinity);
  if (limit < source.maxValueBytes + RECORD_ROOM_BYTES) {
    const what = `takes records up to ${limit} bytes, where source ${source.name} publishes values up to ${source.maxValueBytes}: larger ones will be left out`;
    const todo = `write maxValueBytes: ${Math.max(limit - RECORD_ROOM_BYTES, 1)}, or ${alter(topic.name, `max.message.bytes=${source.maxValueBytes + RECORD_ROOM_BYTES}`)}`;
    findings.push(warn(subject, what, todo));
  }
  findings.push(...replicaFindings(topic));
  return findings.length > 0 ? findings : [ok(subject, `is compacted, ${topic.partitions} partitions`)];
};

/** Findings of a topic that is there, or of its absence. */
const described = async (
  admin: KafkaAdmin,
  name: string,
  found: (topic: TopicDescription) => readonly Finding[],
  absent: () => Promise<Finding> | Finding,
): Promise<readonly Finding[]> => {
  try {
    const topic = await admin.describe(name);
    return topic === undefined ? [await absent()] : found(topic);
  } catch (error) {
    return [failure(`topic ${name}`, error, 'grant what the message names')];
  }
};

const sourceTopics: Check<KafkaContext> = {
  name: 'topics of sources',
  run: async ({ admin, existing, sources }) => {
    const findings: Finding[] = [];
    for (const source of sources) {
      for (const name of new Set(claimsOf(source).flatMap((claim) => claimedTopics(claim, existing)))) {
        const spec = { name, partitions: source.partitions, config: { 'cleanup.policy': 'compact' } };
        const absent = (): Promise<Finding> => missingTopic(admin, spec, 'compacted');
        findings.push(...(await described(admin, name, (topic) => topicFindings(topic, source), absent)));
      }
    }
    return findings;
  },
};

const eventTopics: Check<KafkaContext> = {
  name: 'topics of events',
  run: async ({ admin, events }) => {
    const findings: Finding[] = [];
    for (const source of events) {
      const name = eventTopic(source);
      if (name === undefined) continue;
      const found = (topic: TopicDescription): readonly Finding[] => {
        const wrong = [...eventTopicFindings(topic, source), ...replicaFindings(topic)];
        return wrong.length > 0 ? wrong : [ok(`topic ${name}`, `${topic.partitions} partitions`)];
      };
      const spec = { name, partitions: source.partitions, config: {} };
      findings.push(...(await described(admin, name, found, () => missingTopic(admin, spec, 'not compacted'))));
    }
    return findings;
  },
};

const deadLetters: Check<KafkaContext> = {
  name: 'dead-letter topics',
  run: async ({ admin, events, sinks }) => {
    const flows = [
      ...events.map(({ name, deadLetter }) => ({ who: `source ${name}`, deadLetter })),
      ...sinks.map(({ name, deadLetter }) => ({ who: `sink ${name}`, deadLetter })),
    ];
    const findings: Finding[] = [];
    // Flows may share one: it is told once.
    for (const [deadLetter, users] of Map.groupBy(flows, (flow) => flow.deadLetter)) {
      if (deadLetter === undefined) continue;
      const who = users.map((user) => user.who).join(', ');
      const spec = { name: deadLetter, partitions: 1, config: {} };
      const found = (topic: TopicDescription): readonly Finding[] => [
        ...deadLetterFindings(topic, who),
        ...replicaFindings(topic),
      ];
      findings.push(...(await described(admin, deadLetter, found, () => missingTopic(admin, spec, 'not compacted'))));
    }
    return findings;
  },
};

const secrets: Check<KafkaContext> = {
  name: 'secrets on their way',
  run: ({ subject, connection }) => plainSecretFindings(subject, connection),
};

const sinkTopics: Check<KafkaContext> = {
  name: 'topics of sinks',
  run: ({ existing, sources, sinks }) => {
    const claims = sources.flatMap(claimsOf);
    const isWritten = (topic: string): boolean => claims.some(({ route }) => route.pattern.test(topic));
    return sinks.flatMap((sink) => [
      ...sink.topics
        .filter((topic) => !existing.includes(topic) && !isWritten(topic))
        .map((topic) =>
          fail(`topic ${topic}`, `is missing, which sink ${sink.name} reads`, 'create it, or correct the name'),
        ),
      ...(sink.deadLetter !== undefined && isWritten(sink.deadLetter)
        ? [
            fail(
              `topic ${sink.deadLetter}`,
              `takes the dead letters of sink ${sink.name} and the keys of a source`,
              'name another one as deadLetter',
            ),
          ]
        : []),
    ]);
  },
};

/** Records looked at, from each partition's end. */
const LAST_RECORDS = 50n;

/**
 * Unix ms of the latest record by origin, among the last ones of a topic.
 * @param claims of the source: another database of its Redis is another origin.
 */
const latestByOrigin = async (
  topic: string,
  claims: readonly Claim[],
  { admin, reader, origins }: KafkaContext,
): Promise<ReadonlyMap<string, number>> => {
  const databases = claims.filter(({ route }) => route.pattern.test(topic)).map(({ db }) => String(db));
  const own = origins.get(claims[0]?.source ?? '');
  const ends = await admin.endOffsets(topic);
  const from = new Map([...ends].map(([partition, end]) => [partition, end > LAST_RECORDS ? end - LAST_RECORDS : 0n]));
  const latest = new Map<string, number>();
  await reader.readToEnd(topic, from, ({ records }) => {
    for (const { headers, timestamp } of records) {
      const origin = headers.get(HEADER.origin)?.toString('utf8') ?? 'something that is not Keyferry';
      const db = headers.get(HEADER.db)?.toString('utf8') ?? '';
      const name = origin === own && !databases.includes(db) ? `database ${db} of this Redis` : origin;
      latest.set(name, Math.max(latest.get(name) ?? 0, timestamp));
    }
  });
  return latest;
};

/** @param own id of the Redis that the source reads; undefined where it has none yet. */
export const originFindings = (
  topic: string,
  latest: ReadonlyMap<string, number>,
  own: string | undefined,
): readonly Finding[] => {
  const others = [...latest].filter(([origin]) => origin !== own);
  if (others.length === 0) return [];
  const subject = `topic ${topic}`;
  const names = others.map(([origin]) => origin).join(', ');
  const ownLatest = (own !== undefined && latest.get(own)) || 0;
  if (others.every(([, timestamp]) => timestamp < ownLatest)) {
    return [warn(subject, `has older records of another origin (${names})`, 'make sure that nothing else writes it')];
  }
  const what = `has records of another origin (${names}), newer than any of this Redis`;
  return [
    fail(subject, what, 'choose another topic; where this Redis was flushed or replaced, start once and check again'),
  ];
};

const origins: Check<KafkaContext> = {
  name: 'origins',
  run: async (context) => {
    const findings: Finding[] = [];
    // Whose records those of a Redis that is away are, nobody can tell.
    for (const source of context.sources.filter(({ name }) => context.origins.has(name))) {
      const claims = claimsOf(source);
      const topics = claims.flatMap((claim) => claimedTopics(claim, context.existing));
      for (const topic of topics.filter((each) => context.existing.includes(each))) {
        const latest = await latestByOrigin(topic, claims, context);
        findings.push(...originFindings(topic, latest, context.origins.get(source.name)));
      }
    }
    return findings;
  },
};

const sharing: Check<KafkaContext> = {
  name: 'topics with several writers',
  run: ({ sources, existing, events }) => sharedTopics(sources, existing, events),
};

export const KAFKA_CHECKS: readonly Check<KafkaContext>[] = [
  secrets,
  sourceTopics,
  eventTopics,
  deadLetters,
  sinkTopics,
  sharing,
  origins,
];
