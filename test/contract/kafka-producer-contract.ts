import { afterEach, describe, expect, it } from 'vitest';
import type { KafkaClient } from '../../src/clients/kafka/connect.ts';
import type { RecordProducer } from '../../src/clients/kafka/port.ts';
import { javaPartitions } from '../support/murmur2-fixture.ts';
import { lastRecords, readTopic } from '../support/independent-reader.ts';
import { byPartition, Closers, connect, newTopic, readAll, record, text, values } from './kafka-fixture.ts';

/** What every driver's producer must do; run on each of them. */
export const producerContract = (client: KafkaClient, brokers: readonly string[]): void => {
  describe(`${client}: producer`, () => {
    const driver = connect(client, brokers);
    const closers = new Closers();
    afterEach(() => closers.close());
    const newProducer = async (): Promise<RecordProducer> => closers.use(await driver.producer());

    it('acknowledges each partition of a batch with the offset at which its records stand', async () => {
      const topic = await newTopic(driver, 2);
      const producer = await newProducer();
      const both = [
        record(topic, 'a', '1', { partition: 0 }),
        record(topic, 'b', '2', { partition: 1 }),
        record(topic, 'a', '3', { partition: 0 }),
      ];
      const first = await producer.send(both);
      expect(first).toHaveLength(2);
      expect(first).toContainEqual({ topic, partition: 0, baseOffset: 0n });
      expect(first).toContainEqual({ topic, partition: 1, baseOffset: 0n });
      expect(await producer.send([record(topic, 'a', '4', { partition: 0 })])).toEqual([
        { topic, partition: 0, baseOffset: 2n },
      ]);
      expect(await producer.send([])).toEqual([]);
    });

    it('writes to several topics in one send', async () => {
      const topics = [await newTopic(driver), await newTopic(driver)];
      const producer = await newProducer();
      await producer.send(topics.map((topic) => record(topic, 'k', topic)));
      for (const topic of topics) expect(values((await readAll(driver, topic)).records)).toEqual([topic]);
    });

    it('takes sends that begin at once, in the order of their calls', async () => {
      const topic = await newTopic(driver, 3);
      const producer = await newProducer();
      const sends = Array.from({ length: 8 }, (_, send) =>
        Array.from({ length: 50 }, (_key, at) => record(topic, `key-${at}`, String(send))),
      );
      await Promise.all(sends.map((send) => producer.send(send)));
      const byKey = Map.groupBy((await readAll(driver, topic)).records, ({ key }) => String(key));
      expect(byKey.size).toBe(50);
      for (const records of byKey.values()) expect(values(records)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
    });

    it('puts every key where the Java client puts it', async () => {
      for (const partitions of [3, 12] as const) {
        const topic = await newTopic(driver, partitions);
        const keys = javaPartitions(partitions).filter(({ key }) => key.length <= 256);
        const producer = await newProducer();
        await producer.send(keys.map(({ key }) => record(topic, key, 'v')));
        const found = await lastRecords(brokers, topic);
        const misplaced = keys.filter(
          ({ key, partition }) => found.get(key.toString('latin1'))?.partition !== partition,
        );
        expect(misplaced).toEqual([]);
      }
    });

    it('takes null, empty and binary keys, values and headers as they are', async () => {
      const topic = await newTopic(driver);
      const binary = Buffer.from([0, 0xff, 0x80, 0xc3, 0x28, 0]);
      const empty = Buffer.alloc(0);
      const sent = [
        record(topic, null, 'no key'),
        record(topic, 'tombstone', null),
        record(topic, empty, empty),
        record(topic, binary, binary, { headers: { first: binary, second: empty, öther: Buffer.from('3') } }),
        record(topic, null, null),
      ];
      await (await newProducer()).send(sent);
      const { records } = await readAll(driver, topic);
      expect(records.map(({ key, value }) => [key, value])).toEqual(sent.map(({ key, value }) => [key, value]));
      expect([...(records[3]?.headers ?? [])]).toEqual([...(sent[3]?.headers ?? [])]);
      expect(records[0]?.headers.size).toBe(0);
    });

    it('stamps records with the time', async () => {
      const topic = await newTopic(driver);
      const before = Date.now();
      await (await newProducer()).send([record(topic, 'k', 'v')]);
      const [{ timestamp } = { timestamp: 0 }] = (await readAll(driver, topic)).records;
      expect(timestamp).toBeGreaterThanOrEqual(before);
      expect(timestamp).toBeLessThanOrEqual(Date.now());
    });

    it('brings 100,000 records in batches of 2,000 to the topic, each once and in order', async () => {
      const topic = await newTopic(driver, 6);
      const producer = await newProducer();
      const headers = { op: Buffer.from('set'), origin: Buffer.from('x') };
      for (let start = 0; start < 100_000; start += 2_000) {
        const batch = Array.from({ length: 2_000 }, (_, at) =>
          record(topic, `key:${(start + at) % 5_000}`, String(start + at), { headers }),
        );
        await producer.send(batch);
      }
      const records = await readTopic(brokers, topic);
      const numbers = records.map(({ value }) => Number(text(value)));
      expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100_000 }, (_, number) => number));
      for (const [, ofPartition] of byPartition(records)) {
        const order = ofPartition.map(({ value }) => Number(text(value)));
        expect(order).toEqual(order.toSorted((a, b) => a - b));
      }
    });

    it('splits what is more than one batch of the topic may hold, in order', async () => {
      const topic = await newTopic(driver, 2, { 'max.message.bytes': '50000' });
      const value = Buffer.alloc(1_000, 'x');
      const sent = Array.from({ length: 300 }, (_, at) => record(topic, String(at), value, { partition: at % 2 }));
      await (await newProducer()).send(sent);
      const partitions = byPartition((await readAll(driver, topic)).records);
      for (const partition of [0, 1]) {
        const keys = partitions.get(partition)?.map(({ key }) => Number(text(key)));
        expect(keys).toEqual(Array.from({ length: 150 }, (_, at) => at * 2 + partition));
      }
    });

    it('says when a record is too large, for the topic or for any broker, and goes on with the next send', async () => {
      const topic = await newTopic(driver, 1, { 'max.message.bytes': '20000' });
      const producer = await newProducer();
      const tooLarge = { code: 'KF_KAFKA_RECORD_TOO_LARGE' };
      const large = record(topic, 'large', Buffer.alloc(30_000));
      await expect(producer.send([large])).rejects.toMatchObject(tooLarge);
      await producer.send([record(topic, 'small', 'after')]);
      await expect(producer.send([record(topic, 'x', Buffer.alloc(110_000_000))])).rejects.toMatchObject(tooLarge);
      await producer.send([record(topic, 'small', 'again')]);
      expect(values((await readAll(driver, topic)).records)).toEqual(['after', 'again']);
    });

    it('says when a topic does not exist, and goes on with the next send', async () => {
      const topic = await newTopic(driver);
      const producer = await newProducer();
      const missing = producer.send([record(`${topic}-missing`, 'k', 'v')]);
      await expect(missing).rejects.toMatchObject({ code: 'KF_KAFKA_TOPIC_MISSING' });
      await producer.send([record(topic, 'k', 'v')]);
      const admin = closers.use(driver.admin());
      expect(await admin.topics()).not.toContain(`${topic}-missing`);
      expect(await admin.endOffsets(topic)).toEqual(new Map([[0, 1n]]));
    });

    it('rejects within 15 seconds when no broker can be reached', async () => {
      const nowhere = closers.use(await connect(client, ['127.0.0.1:1']).producer());
      const startedAt = performance.now();
      await expect(nowhere.send([record('t', 'k', 'v')])).rejects.toMatchObject({ code: 'KF_KAFKA_UNAVAILABLE' });
      expect(performance.now() - startedAt).toBeLessThan(15_000);
    });
  });
};
