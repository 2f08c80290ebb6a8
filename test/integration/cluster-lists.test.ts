import { describe, expect, test } from 'vitest';
import { slotOf } from '../../src/clients/redis/cluster/slots.ts';
import { eventually } from '../support/eventually.ts';
import { ClusterFixture } from './cluster-fixture.ts';
import { ListFixture, jobs } from './list-fixture.ts';

/** Of several slots, one with a hash tag of its own, one whose name cannot stand in a tag. */
const QUEUES = ['queue:a', 'queue:b', 'queue:{tag}:c', 'queue}d', 'queue:e'];

describe('a list source of a cluster', () => {
  const cluster = new ClusterFixture();
  const lists = new ListFixture();
  const start = (keys: readonly string[] = QUEUES) =>
    lists.start({ keys, topic: lists.topic, partitions: 1 }, { redis: cluster.client() });

  const add = async (items: readonly string[], keys: readonly string[] = QUEUES): Promise<void> => {
    for (const item of items)
      for (const key of keys)
        await eventually(() => cluster.redis.lpush(key, `${key} ${item}`), { what: `${item} to be added to ${key}` });
  };

  const expectEach = async (items: readonly string[], keys: readonly string[] = QUEUES): Promise<void> => {
    const wanted = keys.flatMap((key) => items.map((item) => `${key} ${item}`));
    const missing = async (): Promise<readonly string[]> => {
      const published = new Set(await lists.values());
      return wanted.filter((item) => !published.has(item));
    };
    await eventually(async () => (await missing()).length === 0, { what: 'every item to be on the topic' });
  };

  const empty = (): Promise<unknown> =>
    eventually(
      async () => {
        const left = await Promise.all(
          (await cluster.masters()).map(({ admin }) => admin.call('KEYS', '__keyferry__:list:*')),
        );
        const lengths = await Promise.all(QUEUES.map((key) => cluster.redis.llen(key)));
        return left.flat().length === 0 && lengths.every((length) => length === 0);
      },
      { what: 'the lists and processing lists to be empty' },
    );

  test('takes the items of lists on all masters, each once, and leaves nothing behind', async () => {
    const source = start();
    await add(jobs(20));
    await lists.published(source, 20 * QUEUES.length);
    await empty();
    await source.stop();
    expect((await lists.values()).toSorted()).toEqual(
      QUEUES.flatMap((key) => jobs(20).map((item) => `${key} ${item}`)).toSorted(),
    );
  });

  test('keeps order and loses nothing while slots move and masters hand over', async () => {
    const source = start();
    const adding = add(jobs(150));
    await cluster.moveSlotsOf(QUEUES);
    await cluster.failover(slotOf(Buffer.from('queue:a')));
    await cluster.moveSlotsOf(QUEUES);
    await adding;
    await empty();
    await expectEach(jobs(150));
    const first = new Set((await lists.values()).filter((value) => value.startsWith('queue:b ')));
    expect([...first]).toEqual(jobs(150).map((item) => `queue:b ${item}`));
    expect(source.log.lines.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  test('goes on where a replica takes over from a master that was killed', async () => {
    const source = start();
    await add(jobs(10));
    await lists.published(source, 10 * QUEUES.length);
    const [first] = await cluster.masters();
    await first?.kill();
    await add(jobs(10, 10));
    await expectEach(jobs(20));
    await empty();
    await first?.start();
    await cluster.agree();
  });
});
