import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KafkaClient } from '../../src/clients/kafka/connect.ts';
import type { RecordProducer } from '../../src/clients/kafka/port.ts';
import { isKeyferryError } from '../../src/core/errors.ts';
import { systemClock as clock } from '../../src/core/clock.ts';
import {
  byPartition,
  Closers,
  connect,
  type Listening,
  listen,
  newTopic,
  record,
  text,
  uniqueName,
  values,
} from '../contract/kafka-fixture.ts';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { divergence, readTopic } from '../support/independent-reader.ts';
import { KafkaCluster, type NodeId } from '../support/kafka-cluster.ts';
import { stackProvider } from '../support/provider.ts';
import { Workload } from '../support/workload.ts';

const PATIENCE = { timeoutMs: 180_000 };
/** For all faults together. */
const FAULTS_TIMEOUT_MS = 900_000;
const PACE_MS = 5;
const closers = new Closers();

/** A producer of either driver that sends until it is stopped, the same again until it passes; and a group that reads. */
class DriverLoad {
  readonly topic: string;
  readonly listening: Listening;
  readonly #producer: RecordProducer;
  #sent = 0;
  #isOver = false;
  #sending: Promise<void> = Promise.resolve();

  private constructor(topic: string, producer: RecordProducer, listening: Listening) {
    this.topic = topic;
    this.#producer = producer;
    this.listening = listening;
  }

  static async start(client: KafkaClient, brokers: readonly string[]): Promise<DriverLoad> {
    const driver = connect(client, brokers);
    const topic = await newTopic(driver, 6);
    const producer = closers.use(await driver.producer());
    const load = new DriverLoad(topic, producer, listen(driver, uniqueName('group'), [topic]));
    load.#sending = load.#run();
    load.#sending.catch(() => undefined);
    return load;
  }

  /** How far it is: sent, and received. */
  get progress(): readonly number[] {
    return [this.#sent, this.listening.received.length];
  }

  /** Resolves with how many were sent, once all of them have been received. */
  async stop(): Promise<number> {
    this.#isOver = true;
    await this.#sending;
    const seen = (): number => new Set(values(this.listening.received)).size;
    await eventually(() => seen() === this.#sent, { ...PATIENCE, what: 'all records' });
    await this.listening.consumer.close();
    await this.listening.ran;
    return this.#sent;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      const from = this.#sent;
      const batch = Array.from({ length: 50 }, (_, at) => record(this.topic, `k${at % 20}`, String(from + at)));
      await this.#send(batch);
      this.#sent += batch.length;
      // Room for the brokers on a small machine.
      await clock.sleep(PACE_MS);
    }
  }

  async #send(batch: ReturnType<typeof record>[]): Promise<void> {
    for (;;) {
      try {
        await this.#producer.send(batch);
        return;
      } catch (error) {
        if (!isKeyferryError(error, 'KF_KAFKA_UNAVAILABLE')) throw error;
      }
    }
  }
}

/**
 * Three brokers, each a controller too; topics are replicated to all, and a write needs two of them. Both drivers and a
 * daemon go through the same faults at the same time: then each of them is looked at.
 */
describe('a cluster whose brokers die under load', () => {
  let cluster: KafkaCluster;
  let redis: Redis;
  let daemon: Daemon;
  let workload: Workload;
  const mirror = uniqueName('mirror');
  const loads = new Map<KafkaClient, DriverLoad>();

  /** Whatever happened, everything flows again. */
  const allFlows = async (): Promise<void> => {
    const published = (): Promise<number> => daemon.metric('keyferry_source_records_total');
    const numbers = async () => [...[...loads.values()].flatMap(({ progress }) => progress), await published()];
    const before = await numbers();
    const flows = async (): Promise<boolean> =>
      (await numbers()).every((number, at) => number > (before[at] ?? 0) + 500);
    await eventually(flows, { ...PATIENCE, what: 'all records to flow' });
  };
  const topics = (): readonly string[] => [mirror, ...[...loads.values()].map(({ topic }) => topic)];
  const inSync = async (): Promise<void> => {
    const areWhole = async (): Promise<boolean> =>
      (await Promise.all(topics().map((topic) => cluster.fewestInSync(topic)))).every((count) => count === 3);
    await eventually(areWhole, { ...PATIENCE, what: 'replicas to catch up' });
  };
  const killAndRestart = async (id: NodeId, whileAway?: () => Promise<unknown>): Promise<void> => {
    await cluster.kill(id);
    await whileAway?.();
    await allFlows();
    await cluster.restart(id);
    await inSync();
  };

  beforeAll(async () => {
    const [started, server] = await Promise.all([KafkaCluster.start(), (await stackProvider()).startRedis()]);
    cluster = started;
    redis = new Redis(server.url);
    workload = new Workload(redis);
    daemon = await Daemon.create({
      redis: { url: server.url },
      kafka: { brokers: [...cluster.brokers] },
      sources: [{ name: 'all', topic: mirror, partitions: 6 }],
    });
    await daemon.start();
    await daemon.settled();
    for (const client of ['platformatic', 'kafkajs'] as const)
      loads.set(client, await DriverLoad.start(client, cluster.brokers));
    workload.start();
    await allFlows();
    const leader = (await cluster.leaders(mirror)).get(0) ?? 1;
    await killAndRestart(leader);
    for (const topic of topics()) {
      const before = await cluster.leaders(topic);
      await cluster.moveLeaders(topic);
      const haveMoved = async (): Promise<boolean> =>
        [...(await cluster.leaders(topic))].every(
          ([partition, id]) => id !== undefined && id !== before.get(partition),
        );
      await eventually(haveMoved, { ...PATIENCE, what: 'leaders to move' });
    }
    await allFlows();
    await inSync();
    const activeController = async (): Promise<NodeId | null> => (await cluster.activeController()) ?? null;
    const controller = await eventually(activeController, { ...PATIENCE, what: 'a controller' });
    const isAnother = (id: NodeId | null): boolean => id !== null && id !== controller;
    await killAndRestart(controller, () =>
      eventually(async () => isAnother(await activeController()), { ...PATIENCE, what: 'another controller' }),
    );
  }, FAULTS_TIMEOUT_MS);
  afterAll(async () => {
    await workload.stop();
    await daemon.dispose();
    await closers.close();
    redis.disconnect();
    await cluster.stop();
  });

  it('the topic of a source equals what Redis holds (I1)', async () => {
    await workload.stop();
    await daemon.settled();
    await eventually(
      async () => {
        const differences = await divergence(redis, cluster.brokers, mirror);
        if (differences.length > 0) throw new Error(differences.slice(0, 5).join('\n'));
        return true;
      },
      { ...PATIENCE, what: 'the topic to equal Redis' },
    );
    expect(await redis.dbsize()).toBeGreaterThan(100);
  });

  it('platformatic: every record stands on the topic once and in order, and was delivered', async () => {
    const load = loads.get('platformatic');
    const sent = await load?.stop();
    const records = await readTopic(cluster.brokers, load?.topic ?? '');
    expect(records).toHaveLength(sent ?? 0);
    for (const [, ofPartition] of byPartition(records)) {
      const order = ofPartition.map(({ value }) => Number(text(value)));
      expect(order).toEqual(order.toSorted((a, b) => a - b));
    }
  });

  // docs/adr/0002: when a leader changes during a send, kafkajs may repeat records of that send.
  it('kafkajs: every record stands on the topic, and was delivered', async () => {
    const load = loads.get('kafkajs');
    const sent = (await load?.stop()) ?? 0;
    const records = await readTopic(cluster.brokers, load?.topic ?? '');
    expect(new Set(records.map(({ value }) => text(value))).size).toBe(sent);
    expect(records.length).toBeLessThan(sent * 2);
  });
});
