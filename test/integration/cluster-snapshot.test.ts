import { randomUUID } from 'node:crypto';
import { describe, expect, inject, it } from 'vitest';
import { slotOf } from '../../src/clients/redis/cluster/slots.ts';
import { eventually } from '../support/eventually.ts';
import { readTopic } from '../support/independent-reader.ts';
import { AdminFixture } from './admin-fixture.ts';
import { ClusterFixture } from './cluster-fixture.ts';

const KEYS = Array.from({ length: 90 }, (_, at) => `user:${at}`);
const [FIRST = '', ...OTHERS] = KEYS;

describe('a snapshot of a cluster', () => {
  const cluster = new ClusterFixture();
  const fixture = new AdminFixture();
  const recordsOf = async (topic: string): Promise<Readonly<Record<string, number>>> => {
    const found: Record<string, number> = {};
    for (const { key } of await readTopic(inject('kafkaBrokers'), topic)) found[key] = (found[key] ?? 0) + 1;
    return found;
  };

  it('publishes the keys of all masters again, of those too that move or fail over meanwhile', async () => {
    const topic = `keys-${randomUUID()}`;
    await Promise.all(KEYS.map((key) => cluster.redis.set(key, 'x')));
    await fixture.start({
      redis: { topology: 'cluster', nodes: [...cluster.servers.seeds] },
      sources: [{ name: 'all', topic, include: ['user:*'] }],
    });
    const flow = () => fixture.flow('sources', 'all');
    await eventually(async () => (await flow())['records'] === KEYS.length, { what: 'all keys', timeoutMs: 60_000 });
    await eventually(async () => (await flow())['state'] === 'running', { what: 'no gap', timeoutMs: 60_000 });
    await fixture.ask('PUT', '/sources/all/pause');
    expect((await fixture.ask('POST', '/sources/all/snapshot', { match: 'user:*' })).status).toBe(202);
    await cluster.failover(slotOf(Buffer.from(FIRST)));
    await cluster.moveSlotsOf(OTHERS.slice(0, 3));
    await fixture.ask('PUT', '/sources/all/resume');
    const snapshot = async () => (await flow())['snapshot'] as { endedAt: number | null; done: number; total: number };
    await eventually(async () => (await snapshot()).endedAt, { what: 'its end', timeoutMs: 120_000 });
    const records = await recordsOf(topic);
    expect(KEYS.filter((key) => (records[key] ?? 0) < 2)).toEqual([]);
    expect((await snapshot()).done).toBeGreaterThanOrEqual(KEYS.length);
  });
});
