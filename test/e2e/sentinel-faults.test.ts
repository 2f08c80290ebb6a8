import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { divergence, lastRecords } from '../support/independent-reader.ts';
import { processProvider } from '../support/process-provider.ts';
import { MASTER_NAME, type Sentinels, startSentinels } from '../support/sentinels.ts';
import type { RedisServer } from '../support/stack.ts';
import { Workload } from '../support/workload.ts';
import { Workplace } from '../support/workplace.ts';

const workplace = new Workplace();
const provider = processProvider();
afterAll(() => Promise.all([workplace.close(), provider.dispose()]));

const clientsOf = async (redis: Redis): Promise<string> => String(await redis.client('LIST'));

const addressOf = ({ host, port }: RedisServer): string => `${host}:${port}`;

describe('behind sentinels the topic converges to what the master holds (I1)', () => {
  const brokers = inject('kafkaBrokers');
  let trio: Sentinels;
  let writer: Redis;
  let workload: Workload;
  let daemon: Daemon;
  let topic: string;

  beforeEach(async () => {
    topic = `sentinel-${crypto.randomUUID()}`;
    trio = await startSentinels(provider, workplace);
    const sentinels = trio.nodes.map((node) => {
      const [host = '', port = ''] = node.split(':');
      return { host, port: Number(port) };
    });
    writer = new Redis({ sentinels, name: MASTER_NAME, maxRetriesPerRequest: 3, commandTimeout: 1_000 });
    writer.on('error', () => undefined);
    workload = new Workload(writer);
    daemon = await Daemon.create({
      redis: { topology: 'sentinel', nodes: trio.nodes, sentinelName: MASTER_NAME },
      kafka: { brokers: [...brokers] },
      sources: [{ name: 'all', topic, canaryEvery: '1s', partitions: 3 }],
    });
    await daemon.start();
    workload.start();
    await daemon.withoutGap();
  });

  afterEach(async () => {
    await workload.stop();
    await daemon.dispose();
    writer.disconnect();
    await trio.kill();
  });

  const writesGoOn = async (count: number): Promise<void> => {
    const target = workload.writes + count;
    await eventually(() => workload.writes >= target, { what: 'writes to go on', timeoutMs: 120_000 });
  };

  const isFed = (server: RedisServer): Promise<unknown> =>
    eventually(
      async () => {
        const [source] = (await daemon.status()).sources;
        return source?.masters?.some(({ address, feed }) => address === addressOf(server) && feed === 'up') ?? false;
      },
      // A sentinel that stood still for two seconds does nothing for another 30 (TILT).
      { what: 'the feed of the new master', timeoutMs: 180_000 },
    );

  const expectConvergence = async (master: RedisServer): Promise<void> => {
    await workload.stop();
    await daemon.settled();
    const redis = new Redis(master.url);
    try {
      await eventually(
        async () => {
          const differences = await divergence([redis], brokers, topic);
          if (differences.length > 0) throw new Error(differences.slice(0, 5).join('\n'));
          return true;
        },
        { what: 'the topic to equal Redis', timeoutMs: 120_000 },
      );
      expect(await redis.dbsize()).toBeGreaterThan(100);
    } finally {
      redis.disconnect();
    }
  };

  it('the master killed, its replica taking over', async () => {
    await writesGoOn(2_000);
    await trio.master.kill();
    await isFed(trio.replica);
    await writesGoOn(2_000);
    await expectConvergence(trio.replica);
    expect(await daemon.metric('keyferry_source_gaps_total{source="all",cause="master-changed"}')).toBe(1);
  });

  it('a master that was frozen, thaws after the failover, and still takes itself for one: nobody reads it', async () => {
    await writesGoOn(1_000);
    const old = new Redis(trio.master.url);
    try {
      await old.ping();
      await trio.master.freeze();
      await isFed(trio.replica);
      // It waits at the old master's door: what a sentinel says, that this is a replica now, comes after it.
      const taken = old.set('stray', 'of a master that is none').then(Boolean, () => false);
      await trio.master.thaw();
      const isTaken = await taken;
      const isLeftAlone = async (): Promise<boolean> => !/ name=keyferry:(feed|all:)/.test(await clientsOf(old));
      await eventually(isLeftAlone, { what: 'nobody to read the old master' });
      await writesGoOn(1_000);
      await expectConvergence(trio.replica);
      expect(isTaken).toBe(true);
      expect((await lastRecords(brokers, topic)).has('stray')).toBe(false);
    } finally {
      old.disconnect();
    }
  });
});
