import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { afterEach, inject } from 'vitest';
import { connectKafka } from '../../src/clients/kafka/connect.ts';
import type { KafkaDriver, OutgoingRecord } from '../../src/clients/kafka/port.ts';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';

export const TOKEN = 'may-all';
export const READER = 'may-read';

export interface Answer {
  readonly status: number;
  // What tests look into, each in its own way.
  readonly body: Readonly<Record<string, unknown>>;
}

/** A daemon as its users run it, with tokens, and servers for it. */
export class AdminFixture {
  daemon!: Daemon;
  readonly name = `admin-${randomUUID().slice(0, 8)}`;
  readonly #ends: (() => unknown)[] = [];

  constructor() {
    afterEach(async () => {
      for (const end of this.#ends.splice(0).reverse()) await end();
    });
  }

  async redis(): Promise<{ readonly server: RedisServer; readonly redis: Redis }> {
    const server = await (await stackProvider()).startRedis();
    const redis = new Redis(server.url, { maxRetriesPerRequest: null });
    redis.on('error', () => undefined);
    this.#ends.push(
      () => server.kill(),
      () => {
        redis.disconnect();
      },
    );
    return { server, redis };
  }

  async start(config: object): Promise<Daemon> {
    this.daemon = await Daemon.create({
      kafka: { brokers: [...inject('kafkaBrokers')] },
      http: { token: TOKEN, readOnlyToken: READER },
      ...config,
    });
    this.#ends.push(() => this.daemon.dispose());
    await this.daemon.start();
    await this.ready();
    return this.daemon;
  }

  /** As /readyz says. */
  async ready(): Promise<void> {
    const isReady = async (): Promise<boolean> => {
      const answer = await this.daemon.get('/readyz');
      if (!answer.ok) throw new Error(await answer.text());
      return true;
    };
    await eventually(isReady, { timeoutMs: 60_000, what: 'the daemon to be ready' }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.daemon.output.slice(-3_000)}`, { cause: error });
    });
  }

  /** Stops it in an orderly way, and starts it again. */
  async restart(): Promise<void> {
    await this.daemon.stop();
    await this.daemon.start();
    await this.ready();
  }

  /** @param path below /api/v1 */
  async ask(method: string, path: string, body?: unknown, token = TOKEN): Promise<Answer> {
    const answer = await fetch(`http://127.0.0.1:${this.daemon.port}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Answer['body'] };
  }

  /** What the API tells of a flow. */
  async flow(part: 'sources' | 'sinks', name: string): Promise<Answer['body']> {
    return (await this.ask('GET', `/${part}/${name}`)).body;
  }

  async metric(series: string): Promise<number> {
    return this.daemon.metric(series);
  }

  /** Lines of the log that tell of admin actions. */
  get audit(): readonly Answer['body'][] {
    return this.daemon.output
      .split('\n')
      .filter((line) => line.includes('"an admin action"'))
      .map((line) => JSON.parse(line) as Answer['body']);
  }

  kafka(): KafkaDriver {
    return connectKafka({ client: 'platformatic', brokers: inject('kafkaBrokers'), clientId: 'admin-test' });
  }

  async topic(partitions = 1, config: Readonly<Record<string, string>> = {}): Promise<string> {
    const name = `${this.name}-${randomUUID().slice(0, 8)}`;
    const admin = this.kafka().admin();
    await admin.create({ name, partitions, config });
    await admin.close();
    return name;
  }

  async send(topic: string, ...records: readonly Partial<OutgoingRecord>[]): Promise<void> {
    const producer = await this.kafka().producer();
    await producer.send(records.map((record) => ({ key: null, value: null, headers: new Map(), ...record, topic })));
    await producer.close();
  }

  /** Ids of those that are in a group. */
  async members(groupId: string): Promise<readonly string[]> {
    const admin = new Kafka({ brokers: [...inject('kafkaBrokers')], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const { groups } = await admin.describeGroups([groupId]);
    await admin.disconnect();
    return groups.flatMap(({ members }) => members.map(({ memberId }) => memberId));
  }

  /** The next offsets of a topic's partitions, summed up. */
  async ends(topic: string): Promise<number> {
    const admin = this.kafka().admin();
    const ends = [...(await admin.endOffsets(topic)).values()];
    await admin.close();
    return ends.reduce((sum, end) => sum + Number(end), 0);
  }
}
