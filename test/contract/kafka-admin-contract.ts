import { afterEach, describe, expect, it } from 'vitest';
import type { KafkaClient } from '../../src/clients/kafka/connect.ts';
import { Closers, connect, produce, record, uniqueName } from './kafka-fixture.ts';

/** What every driver's admin must do; run on each of them. */
export const adminContract = (client: KafkaClient, brokers: readonly string[]): void => {
  describe(`${client}: admin`, () => {
    const driver = connect(client, brokers);
    const closers = new Closers();
    afterEach(() => closers.close());

    it('creates a topic with its configuration and the default replication, and describes it', async () => {
      const admin = closers.use(driver.admin());
      const name = uniqueName('topic');
      expect(await admin.describe(name)).toBeUndefined();
      await admin.create({
        name,
        partitions: 3,
        config: { 'cleanup.policy': 'compact', 'max.message.bytes': '2000000' },
      });
      const description = await admin.describe(name);
      expect(description).toMatchObject({ name, partitions: 3, replicationFactor: 1 });
      expect(description?.config.get('cleanup.policy')).toBe('compact');
      expect(description?.config.get('max.message.bytes')).toBe('2000000');
      expect(description?.config.get('min.insync.replicas')).toBe('1');
      expect(await admin.topics()).toContain(name);
    });

    it('leaves a topic that exists already as it is', async () => {
      const admin = closers.use(driver.admin());
      const name = uniqueName('topic');
      await admin.create({ name, partitions: 1, config: { 'cleanup.policy': 'compact' } });
      await admin.create({ name, partitions: 6, config: { 'cleanup.policy': 'delete' } });
      const description = await admin.describe(name);
      expect(description?.partitions).toBe(1);
      expect(description?.config.get('cleanup.policy')).toBe('compact');
    });

    it('tells the next offset of each partition', async () => {
      const admin = closers.use(driver.admin());
      const name = uniqueName('topic');
      await admin.create({ name, partitions: 2, config: {} });
      const expected = new Map([
        [0, 0n],
        [1, 3n],
      ]);
      await produce(
        driver,
        ['a', 'b', 'c'].map((key) => record(name, key, 'v', { partition: 1 })),
      );
      expect(new Map([...(await admin.endOffsets(name))].sort(([a], [b]) => a - b))).toEqual(expected);
    });

    it('tells the ends of topics that were made a moment ago, whose leaders may not know yet that they lead', async () => {
      const admin = closers.use(driver.admin());
      const ends = Array.from({ length: 5 }, async () => {
        const name = uniqueName('topic');
        await admin.create({ name, partitions: 20, config: {} });
        return (await admin.endOffsets(name)).size;
      });
      expect(await Promise.all(ends)).toEqual(Array.from({ length: 5 }, () => 20));
    });

    it('tells a topic from the one of its name before it, where the library knows ids', async () => {
      const admin = closers.use(driver.admin());
      const [one, other] = [uniqueName('topic'), uniqueName('topic')];
      expect(await admin.topicId(one)).toBeUndefined();
      for (const name of [one, other]) await admin.create({ name, partitions: 1, config: {} });
      const ids = [await admin.topicId(one), await admin.topicId(one), await admin.topicId(other)];
      if (client === 'kafkajs') expect(ids).toEqual([undefined, undefined, undefined]);
      else {
        expect(ids[0]).toMatch(/^[0-9a-f]{8}-/);
        expect(ids[1]).toBe(ids[0]);
        expect(ids[2]).not.toBe(ids[0]);
      }
    });

    it('leaves internal topics out', async () => {
      const admin = closers.use(driver.admin());
      expect((await admin.topics()).filter((name) => name.startsWith('__'))).toEqual([]);
    });

    it('tells what is missing, what is refused and what is out of reach', async () => {
      const admin = closers.use(driver.admin());
      const name = uniqueName('topic');
      await expect(admin.endOffsets(name)).rejects.toMatchObject({ code: 'KF_KAFKA_TOPIC_MISSING' });
      const refused = { code: 'KF_KAFKA_REFUSED' };
      await expect(admin.create({ name: 'no spaces', partitions: 1, config: {} })).rejects.toMatchObject(refused);
      const config = { 'cleanup.policy': 'never' };
      await expect(admin.create({ name, partitions: 1, config })).rejects.toMatchObject(refused);
      const nowhere = closers.use(connect(client, ['127.0.0.1:1']).admin());
      await expect(nowhere.topics()).rejects.toMatchObject({ code: 'KF_KAFKA_UNAVAILABLE' });
    });
  });
};
