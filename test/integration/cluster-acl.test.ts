import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { Daemon } from '../support/daemon.ts';
import { rulesIn } from '../support/documented-redis-rules.ts';
import { eventually } from '../support/eventually.ts';
import { divergence } from '../support/independent-reader.ts';
import { ClusterFixture } from './cluster-fixture.ts';

const FEATURES = [
  'Every connection',
  'A keyspace source',
  'A keyspace source that manages notifications',
  'In a cluster',
];

describe('in a cluster, with the documented rules and no others', () => {
  const fixture = new ClusterFixture({ replicas: 0 });
  let masters: readonly Redis[];
  let daemon: Daemon | undefined;

  /** On every server: users are not the cluster's. Rules that a server does not know are those of newer ones. */
  const makeUser = async (): Promise<void> => {
    const { rules, newer } = rulesIn(FEATURES, { key: ['app:*'], db: ['0'] });
    for (const master of masters) {
      await master.call('ACL', 'SETUSER', 'keyferry', 'reset', 'resetchannels', 'on', '>geheim', ...rules);
      for (const rule of newer) {
        await master.call('ACL', 'SETUSER', 'keyferry', rule).catch((error: unknown) => {
          if (!String(error).includes('Unknown command')) throw error;
        });
      }
    }
  };

  beforeEach(() => {
    masters = fixture.servers.nodes.map(({ host, port }) => new Redis(port, host));
  });
  afterEach(async () => {
    await daemon?.dispose();
    for (const master of masters) master.disconnect();
  });

  test('a source of keys mirrors every master, and is refused nothing', async () => {
    const topic = `cluster-acl-${randomUUID()}`;
    await makeUser();
    for (let n = 0; n < 300; n += 1) await fixture.redis.set(`app:${n}`, n);
    daemon = await Daemon.create({
      redis: { url: 'redis://keyferry:geheim@unused', topology: 'cluster', nodes: fixture.servers.seeds },
      kafka: { brokers: [...inject('kafkaBrokers')] },
      rest: { enabled: false },
      sources: [{ name: 'all', topic, include: ['app:*'], canaryEvery: '1s' }],
    });
    await daemon.start();
    await daemon.settled();
    for (let n = 0; n < 300; n += 3) await fixture.redis.del(`app:${n}`);
    await eventually(async () => (await divergence(masters, inject('kafkaBrokers'), topic)).length === 0, {
      what: 'the topic to equal Redis',
    });
    const refused = await Promise.all(masters.map((master) => master.call('ACL', 'LOG')));
    expect(refused).toEqual([[], [], []]);
  });
});
