import { Redis } from 'ioredis';
import { expect, inject } from 'vitest';
import type { GapCause } from '../../src/core/gap.ts';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { type TopicView, divergence, lastRecords } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';
import type { KafkaServer, RedisServer } from '../support/stack.ts';
import { Workload } from '../support/workload.ts';

export interface MirrorOptions {
  /** Absent: the Kafka that all tests share. */
  readonly kafka?: KafkaServer;
  readonly redisArgs?: readonly string[];
  /** Each has a topic of its own. */
  readonly databases?: readonly [number, ...number[]];
  /** What the source has beside. */
  readonly source?: object;
}

/** A Redis of its own that a daemon mirrors, somebody who writes to it, and an independent look at the topics. */
export class Mirror {
  readonly server: RedisServer;
  readonly daemon: Daemon;
  /** To the first of the databases. */
  readonly redis: Redis;
  readonly workload: Workload;
  readonly #brokers: readonly string[];
  readonly #topic: string;
  /** By database. */
  readonly #connections: ReadonlyMap<number, Redis>;

  private constructor(
    parts: Pick<Mirror, 'server' | 'daemon'> & {
      readonly brokers: readonly string[];
      readonly topic: string;
      readonly databases: readonly [number, ...number[]];
    },
  ) {
    this.server = parts.server;
    this.daemon = parts.daemon;
    this.#brokers = parts.brokers;
    this.#topic = parts.topic;
    const connect = (db: number): Redis => {
      const redis = new Redis(parts.server.url, { db, maxRetriesPerRequest: null });
      // The faults cut this connection too; it comes back by itself.
      redis.on('error', () => undefined);
      return redis;
    };
    const [first, ...others] = parts.databases;
    this.redis = connect(first);
    this.#connections = new Map([[first, this.redis], ...others.map((db) => [db, connect(db)] as const)]);
    this.workload = new Workload(this.redis);
  }

  /** The daemon is started, and may not run yet. */
  static async open({ kafka, redisArgs = [], databases = [0], source }: MirrorOptions = {}): Promise<Mirror> {
    const brokers = kafka?.brokers ?? inject('kafkaBrokers');
    const topic = `mirror-${crypto.randomUUID()}`;
    const server = await (await stackProvider()).startRedis({ args: redisArgs });
    const daemon = await Daemon.create({
      redis: { url: server.url },
      kafka: { brokers: [...brokers] },
      sources: [{ name: 'all', topic: `${topic}.{db}`, databases, canaryEvery: '1s', partitions: 3, ...source }],
    });
    const mirror = new Mirror({ server, daemon, brokers, topic, databases });
    await daemon.start();
    return mirror;
  }

  async close(): Promise<void> {
    await this.workload.stop();
    await this.daemon.dispose();
    for (const redis of this.#connections.values()) redis.disconnect();
    await this.server.kill();
  }

  /** To one of the databases. */
  in(db: number): Redis {
    const redis = this.#connections.get(db);
    if (redis === undefined) throw new Error(`database ${db} is not mirrored`);
    return redis;
  }

  lastRecords(db = 0): Promise<TopicView> {
    return lastRecords(this.#brokers, `${this.#topic}.${db}`);
  }

  /** Waits for that many writes of a workload that runs. */
  async writesGoOn(count: number): Promise<void> {
    const target = this.workload.writes + count;
    await eventually(() => this.workload.writes >= target, { what: 'writes to go on', timeoutMs: 120_000 });
  }

  /** With no writes going on: waits until nothing is open and every key's last record is what Redis holds. */
  async converged(): Promise<void> {
    await this.daemon.settled();
    for (const [db, redis] of this.#connections) {
      // An expiry that was written a moment ago may still be due; nothing else is.
      await eventually(
        async () => {
          const differences = await divergence(redis, this.#brokers, `${this.#topic}.${db}`);
          if (differences.length > 0) throw new Error(differences.slice(0, 5).join('\n'));
          return true;
        },
        { what: 'the topic to equal Redis', timeoutMs: 120_000 },
      );
    }
  }

  /** Ends the workload. As `converged`, of a Redis that holds something. */
  async expectConvergence(): Promise<void> {
    await this.workload.stop();
    await this.converged();
    expect(await this.redis.dbsize()).toBeGreaterThan(100);
  }

  /** How many gaps of that cause were opened since the daemon started. */
  gaps(cause: GapCause): Promise<number> {
    return this.daemon.metric(`keyferry_source_gaps_total{source="all",cause="${cause}"}`);
  }

  async gapOpened(cause: GapCause): Promise<void> {
    await eventually(async () => (await this.gaps(cause)) > 0, { what: `a gap: ${cause}` });
  }
}
