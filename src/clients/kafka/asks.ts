/** What is asked of Kafka: for the message of what fails, and what Kafka's authorizer must allow for it. */
export interface Ask {
  /** `send to orders` */
  readonly doing: string;
  /** By the kind of resource that the refusal is about. */
  readonly needs: { readonly TOPIC?: string; readonly GROUP?: string; readonly CLUSTER?: string };
}

const onTopics = (topics: readonly string[]): string =>
  `on topic${topics.length === 1 ? '' : 's'} ${topics.join(', ')}`;

/** The one list of permissions that we need; docs/kafka-security.md tells which command and flow asks what. */
export const ASKS = {
  listTopics: (): Ask => ({ doing: 'list topics', needs: {} }),
  describeTopic: (topic: string): Ask => ({
    doing: `describe topic ${topic}`,
    needs: { TOPIC: `Describe and DescribeConfigs on topic ${topic}` },
  }),
  findTopic: (topic: string): Ask => ({
    doing: `look up topic ${topic}`,
    needs: { TOPIC: `Describe on topic ${topic}` },
  }),
  createTopic: (topic: string): Ask => ({
    doing: `create topic ${topic}`,
    needs: { TOPIC: `Create on topic ${topic}`, CLUSTER: `Create on topic ${topic}` },
  }),
  listOffsets: (topic: string): Ask => ({
    doing: `list offsets of ${topic}`,
    needs: { TOPIC: `Describe on topic ${topic}` },
  }),
  send: (topics: readonly string[]): Ask => ({
    doing: `send to ${topics.join(', ')}`,
    // Kafka lets whoever may write one topic be an idempotent producer; from 2.8 on that needs no further permission.
    needs: { TOPIC: `Write ${onTopics(topics)}`, CLUSTER: `Write ${onTopics(topics)}` },
  }),
  read: (topic: string): Ask => ({
    doing: `read ${topic}`,
    needs: { TOPIC: `Describe and Read on topic ${topic}` },
  }),
  /** kafkajs reads in groups only: one of its own, which it deletes afterwards. */
  readAsGroup: (topic: string, groupPrefix: string): Ask => ({
    doing: `read ${topic}`,
    needs: {
      TOPIC: `Describe and Read on topic ${topic}`,
      GROUP: `Read and Delete on groups that begin with ${groupPrefix}`,
    },
  }),
  consume: (groupId: string, topics: readonly string[], doing = 'consume as'): Ask => ({
    doing: `${doing} group ${groupId}`,
    needs: { TOPIC: `Read ${onTopics(topics)}`, GROUP: `Read on group ${groupId}` },
  }),
  deleteGroup: (groupId: string): Ask => ({
    doing: `delete group ${groupId}`,
    needs: { GROUP: `Delete on group ${groupId}` },
  }),
  authenticate: (who: string, mechanism: string): Ask => ({ doing: `log in as ${who} (SASL ${mechanism})`, needs: {} }),
};

/** @param refusal Kafka's name of it: `TOPIC_AUTHORIZATION_FAILED` */
export const missing = ({ needs }: Ask, refusal: string): string => {
  const [kind] = refusal.split('_AUTHORIZATION_');
  const found = Object.entries(needs).filter(([each]) => each === kind);
  const named = (found.length > 0 ? found : Object.entries(needs)).map(([, need]) => need);
  const grant = named.length === 0 ? 'what the message names' : [...new Set(named)].join(', ');
  return `${refusal}: grant ${grant} (docs/kafka-security.md)`;
};
