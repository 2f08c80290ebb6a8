import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { KafkaClient } from '../../src/clients/kafka/connect.ts';
import type { KafkaDriver, OutgoingRecord, RecordProducer } from '../../src/clients/kafka/port.ts';
import { isKeyferryError } from '../../src/core/errors.ts';
import { eventually } from '../support/eventually.ts';
import { readTopic } from '../support/independent-reader.ts';
import { stackProvider } from '../support/provider.ts';
import type { KafkaServer } from '../support/stack.ts';
import {
  byPartition,
  Closers,
  connect,
  independent,
  listen,
  newTopic,
  produce,
  readAll,
  record,
  text,
  uniqueName,
  values,
} from './kafka-fixture.ts';

/** What the port's users do: the same again until it passes. */
const persistently = async <T>(attempt: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isKeyferryError(error, 'KF_KAFKA_UNAVAILABLE')) throw error;
    }
  }
};

const restart = async (server: KafkaServer, how: 'kill' | 'stop'): Promise<void> => {
  await server[how]();
  await server.start();
};

/** Brokers that go away under each of the drivers. The broker is these tests' own. */
const faults = (client: KafkaClient): void => {
  describe(`${client}: when the broker goes away`, () => {
    let server: KafkaServer;
    let driver: KafkaDriver;
    const closers = new Closers();
    beforeAll(async () => {
      server = await (await stackProvider()).startKafka({ config: { 'log.cleaner.backoff.ms': '100' } });
      driver = connect(client, server.brokers);
    });
    afterEach(() => closers.close());
    afterAll(() => server.kill());

    const numbered = (topic: string, from: number, to: number): OutgoingRecord[] =>
      Array.from({ length: to - from }, (_, at) => record(topic, `key:${(from + at) % 50}`, String(from + at)));

    /** Sends on and on until `done`. @returns how many */
    const keepSending = async (producer: RecordProducer, topic: string, done: () => boolean): Promise<number> => {
      let sent = 0;
      while (!done()) {
        const batch = numbered(topic, sent, sent + 200);
        await persistently(() => producer.send(batch));
        sent += 200;
      }
      return sent;
    };

    it('a producer that is tried again brings every record to the topic, once and in order', async () => {
      const topic = await newTopic(driver, 3);
      const producer = closers.use(await driver.producer());
      let isOver = false;
      const sending = keepSending(producer, topic, () => isOver);
      const admin = closers.use(driver.admin());
      const total = async (): Promise<bigint> =>
        [...(await admin.endOffsets(topic)).values()].reduce((sum, end) => sum + end, 0n);
      for (const how of ['kill', 'stop'] as const) {
        const before = await persistently(total);
        await eventually(async () => (await total()) > before + 2_000n, { what: 'more records' });
        await restart(server, how);
      }
      const before = await persistently(total);
      await eventually(async () => (await total()) > before, { what: 'more records' });
      isOver = true;
      const sent = await sending;
      // Its group waits for a coordinator that is still loading.
      const records = await eventually(() => readTopic(server.brokers, topic), { what: 'an independent view' });
      for (const [, ofPartition] of byPartition(records)) {
        const order = ofPartition.map(({ value }) => Number(text(value)));
        expect(order).toEqual([...new Set(order)].sort((a, b) => a - b));
      }
      expect(records).toHaveLength(sent);
    });

    it('a producer rejects in bounded time while it is away, and works again when it is back', async () => {
      const topic = await newTopic(driver);
      const producer = closers.use(await driver.producer());
      await producer.send([record(topic, 'k', 'before')]);
      await server.kill();
      const batch = [record(topic, 'k', 'while away')];
      const startedAt = performance.now();
      await expect(producer.send(batch)).rejects.toMatchObject({ code: 'KF_KAFKA_UNAVAILABLE' });
      expect(performance.now() - startedAt).toBeLessThan(15_000);
      await server.start();
      await persistently(() => producer.send([record(topic, 'k', 'another')]));
      await persistently(() => producer.send(batch));
      expect(values((await readAll(driver, topic)).records)).toEqual(['before', 'another', 'while away']);
    });

    it('a group consumer rides it out: every record at least once, in order, and the commits intact', async () => {
      const topic = await newTopic(driver, 3);
      const group = uniqueName('group');
      const producer = closers.use(await driver.producer());
      const { received, consumer, ran } = listen(driver, group, [topic]);
      closers.use(consumer);
      let isOver = false;
      const sending = keepSending(producer, topic, () => isOver);
      await eventually(() => received.length > 2_000, { what: 'records' });
      await restart(server, 'kill');
      const before = received.length;
      await eventually(() => received.length > before, { what: 'records after the restarts' });
      isOver = true;
      const sent = await sending;
      const seen = (): number => new Set(values(received)).size;
      await eventually(() => seen() === sent, { what: 'all records' });
      for (const [, ofPartition] of byPartition(received)) {
        const firstSeen = [...new Set(ofPartition.map(({ offset }) => Number(offset)))];
        expect(firstSeen).toEqual(firstSeen.toSorted((a, b) => a - b));
      }
      await consumer.close();
      await ran;
      const admin = closers.use(driver.admin());
      const committed = await independent(server.brokers).committed(group, topic);
      expect([...committed].sort()).toEqual([...(await admin.endOffsets(topic))].sort());
    });

    it('a reader that is tried again reads everything, and an admin answers again', async () => {
      const topic = await newTopic(driver, 2);
      await produce(driver, numbered(topic, 0, 5_000));
      const reader = closers.use(driver.reader());
      const admin = closers.use(driver.admin());
      const earlier = await admin.endOffsets(topic);
      await restart(server, 'kill');
      const found = await persistently(async () => {
        const read = new Set<string | null>();
        await reader.readToEnd(topic, new Map(), (batch) => {
          for (const value of values(batch.records)) read.add(value);
        });
        return read;
      });
      expect(found.size).toBe(5_000);
      expect(await persistently(() => admin.endOffsets(topic))).toEqual(earlier);
    });

    it('a compacted topic is read to its end over the holes that compaction left', async () => {
      const config = { 'cleanup.policy': 'compact', 'segment.ms': '200', 'min.cleanable.dirty.ratio': '0.001' };
      const topic = await newTopic(driver, 1, { ...config, 'delete.retention.ms': '0' });
      const producer = closers.use(await driver.producer());
      await producer.send(numbered(topic, 0, 5_000));
      await producer.send(Array.from({ length: 40 }, (_, key) => record(topic, `key:${key}`, null)));
      // Each send after segment.ms closes a segment; only closed ones are compacted.
      const compacted = await eventually(
        async () => {
          await producer.send([record(topic, 'roll', 'x')]);
          const { records, ends } = await readAll(driver, topic);
          const left = records.filter(({ key }) => text(key) !== 'roll').length;
          if (left > 100) throw new Error(`${left} records left`);
          return { records, ends };
        },
        { timeoutMs: 120_000, what: 'compaction' },
      );
      const admin = closers.use(driver.admin());
      expect(compacted.ends).toEqual(await admin.endOffsets(topic));
      const latest = new Map(compacted.records.map(({ key, value }) => [text(key), text(value)]));
      for (let key = 40; key < 50; key += 1) expect(latest.get(`key:${key}`)).toBe(String(4_950 + key));
    });
  });
};

faults('platformatic');
faults('kafkajs');
