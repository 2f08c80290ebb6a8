import { Admin, describeQuorumV1 } from '@platformatic/kafka';
import kafkajs from 'kafkajs';
import { eventually } from './eventually.ts';
import { COMMON_PROPERTIES, propertiesText } from './kafka-config.ts';
import { createKafkaProcess } from './kafka-process.ts';
import { freePorts } from './ports.ts';
import type { ServerProcess } from './server-process.ts';
import { Workplace } from './workplace.ts';

const HOST = '127.0.0.1';
const IDS = [1, 2, 3] as const;
export type NodeId = (typeof IDS)[number];

const METADATA_TOPIC = '__cluster_metadata';

const REPLICATED: Readonly<Record<string, string>> = {
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'offsets.topic.replication.factor': '3',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '2',
  'inter.broker.listener.name': 'PLAINTEXT',
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
  // A broker that was killed leaves the in-sync replicas at once, and not after half a minute.
  'replica.lag.time.max.ms': '3000',
};

/** Three brokers, each a controller too: topics are replicated to all, and a write needs two of them. */
export class KafkaCluster {
  readonly brokers: readonly string[];
  readonly #workplace: Workplace;
  readonly #nodes: ReadonlyMap<NodeId, ServerProcess>;

  private constructor(workplace: Workplace, brokers: readonly string[], nodes: ReadonlyMap<NodeId, ServerProcess>) {
    this.#workplace = workplace;
    this.brokers = brokers;
    this.#nodes = nodes;
  }

  static async start(): Promise<KafkaCluster> {
    const workplace = new Workplace();
    const ports = await freePorts(2 * IDS.length);
    const portOf = (id: NodeId): number => ports[id - 1] ?? 0;
    const controllerPortOf = (id: NodeId): number => ports[IDS.length + id - 1] ?? 0;
    const voters = IDS.map((id) => `${id}@${HOST}:${controllerPortOf(id)}`).join(',');
    const create = async (id: NodeId) =>
      createKafkaProcess({
        workplace,
        properties: (dataDir) =>
          propertiesText({
            ...COMMON_PROPERTIES,
            ...REPLICATED,
            'node.id': String(id),
            'controller.quorum.voters': voters,
            listeners: `PLAINTEXT://${HOST}:${portOf(id)},CONTROLLER://${HOST}:${controllerPortOf(id)}`,
            'advertised.listeners': `PLAINTEXT://${HOST}:${portOf(id)}`,
            'log.dirs': dataDir,
          }),
        port: portOf(id),
        formatArgs: [],
        jvmFlags: ['-Xmx400m', '-XX:TieredStopAtLevel=1'],
      });
    const nodes = new Map(await Promise.all(IDS.map(async (id) => [id, await create(id)] as const)));
    await Promise.all([...nodes.values()].map((node) => node.start()));
    return new KafkaCluster(
      workplace,
      IDS.map((id) => `${HOST}:${portOf(id)}`),
      nodes,
    );
  }

  /** SIGKILL. */
  async kill(id: NodeId): Promise<void> {
    await this.#nodes.get(id)?.kill();
  }

  async restart(id: NodeId): Promise<void> {
    await this.#nodes.get(id)?.start();
  }

  /** The node that leads the metadata quorum; undefined while one is elected. */
  async activeController(): Promise<NodeId | undefined> {
    const admin = new Admin({ clientId: 'cluster', bootstrapBrokers: [...this.brokers] });
    try {
      const { brokers } = await admin.metadata({ topics: [] });
      const connection = await admin.connections.getFirstAvailable([...brokers.values()]);
      const { topics } = await describeQuorumV1.api.async(connection, [
        { topicName: METADATA_TOPIC, partitions: [{ partitionIndex: 0 }] },
      ]);
      return IDS.find((id) => id === topics[0]?.partitions[0]?.leaderId);
    } finally {
      await admin.close();
    }
  }

  /** Broker by partition; undefined where there is none just now. */
  async leaders(topic: string): Promise<ReadonlyMap<number, NodeId | undefined>> {
    return this.#withAdmin(async (admin) => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      return new Map(
        (topics[0]?.partitions ?? []).map(({ partitionId, leader }) => [
          partitionId,
          leader < 0 ? undefined : (leader as NodeId),
        ]),
      );
    });
  }

  /** In-sync replicas of the partition that has the fewest. */
  async fewestInSync(topic: string): Promise<number> {
    return this.#withAdmin(async (admin) => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      return Math.min(...(topics[0]?.partitions ?? []).map(({ isr }) => isr.length));
    });
  }

  /** Gives every partition another leader: takes the one that it has out of the replicas, and then in again, as the last. */
  async moveLeaders(topic: string): Promise<void> {
    const leaders = await this.leaders(topic);
    const others = (leader: NodeId | undefined): NodeId[] => IDS.filter((id) => id !== leader);
    const assign = (replicas: (leader: NodeId | undefined) => NodeId[]) =>
      [...leaders].map(([partition, leader]) => ({ partition, replicas: replicas(leader) }));
    await this.#reassign(topic, assign(others));
    // Taken back sooner, it could go on as if nothing had been.
    const haveLeft = async (): Promise<boolean> =>
      [...(await this.leaders(topic))].every(([partition, id]) => id !== undefined && id !== leaders.get(partition));
    await eventually(haveLeft, { what: `leaders of ${topic} to move`, timeoutMs: 180_000 });
    await this.#reassign(
      topic,
      assign((leader) => [...others(leader), ...(leader === undefined ? [] : [leader])]),
    );
  }

  async stop(): Promise<void> {
    await this.#workplace.close();
  }

  async #reassign(topic: string, partitionAssignment: { partition: number; replicas: NodeId[] }[]): Promise<void> {
    await this.#withAdmin(async (admin) => {
      await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }], timeout: 60_000 });
    });
  }

  async #withAdmin<T>(use: (admin: kafkajs.Admin) => Promise<T>): Promise<T> {
    const kafka = new kafkajs.Kafka({
      brokers: [...this.brokers],
      clientId: 'cluster',
      logLevel: kafkajs.logLevel.NOTHING,
    });
    const admin = kafka.admin();
    await admin.connect();
    try {
      return await use(admin);
    } finally {
      await admin.disconnect();
    }
  }
}
