import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, inject } from 'vitest';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';
import { TestBrowser } from './browser.ts';

/** A Redis, daemons of the test's own making, and a browser. */
export class PageFixture {
  readonly browser = new TestBrowser();
  server!: RedisServer;
  redis!: Redis;
  topic = '';
  readonly #daemons: Daemon[] = [];

  constructor() {
    beforeEach(async () => {
      this.topic = `page-${randomUUID()}`;
      this.server = await (await stackProvider()).startRedis({ debug: true });
      this.redis = new Redis(this.server.url, { maxRetriesPerRequest: null });
      this.redis.on('error', () => undefined);
    });
    afterEach(async () => {
      await Promise.all(this.#daemons.splice(0).map((daemon) => daemon.dispose()));
      this.redis.disconnect();
      await this.server.kill();
    });
  }

  /** A daemon that runs; of one keyspace source on the shared Kafka, unless told otherwise. */
  async daemon(config: object = {}): Promise<Daemon> {
    const daemon = await Daemon.create({
      redis: { url: this.server.url },
      kafka: { brokers: [...inject('kafkaBrokers')] },
      sources: [this.source()],
      ...config,
    });
    this.#daemons.push(daemon);
    await daemon.start();
    await eventually(async () => (await daemon.get('/livez')).ok, { what: 'the daemon to answer' });
    return daemon;
  }

  source(more: object = {}): object {
    return { name: 'all-keys', topic: this.topic, partitions: 1, ...more };
  }
}
