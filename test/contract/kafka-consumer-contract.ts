import { afterEach, describe, expect, it } from 'vitest';
import type { KafkaClient } from '../../src/clients/kafka/connect.ts';
import type { RecordBatch } from '../../src/clients/kafka/port.ts';
import { eventually } from '../support/eventually.ts';
import {
  byPartition,
  Closers,
  connect,
  flatten,
  independent,
  listen,
  newTopic,
  produce,
  record,
  text,
  uniqueName,
  values,
  type Delivered,
} from './kafka-fixture.ts';

const numbered = (topic: string, from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => record(topic, `k${from + at}`, String(from + at)));

const distinct = (records: readonly Delivered[]): number => new Set(values(records)).size;

const expectPartitionOrder = (records: readonly Delivered[]): void => {
  for (const [, ofPartition] of byPartition(records)) {
    const offsets = ofPartition.map(({ offset }) => Number(offset));
    expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
  }
};

/** What every driver's group consumer must do; run on each of them. */
export const consumerContract = (client: KafkaClient, brokers: readonly string[]): void => {
  describe(`${client}: group consumer`, () => {
    const driver = connect(client, brokers);
    const others = independent(brokers);
    const closers = new Closers();
    afterEach(() => closers.close());
    const started = (...args: Parameters<typeof listen> extends [unknown, ...infer Rest] ? Rest : never) => {
      const listening = listen(driver, ...args);
      closers.use(listening.consumer);
      return listening;
    };

    it('delivers from the earliest record, in order within a partition, in large batches', async () => {
      const topic = await newTopic(driver, 3);
      await produce(driver, numbered(topic, 0, 20_000));
      let batches = 0;
      const { received, consumer, ran } = started(uniqueName('group'), [topic], () => void (batches += 1));
      await eventually(() => received.length >= 20_000, { what: 'all records' });
      await consumer.close();
      await ran;
      expect(received.map(({ value }) => Number(text(value))).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 20_000 }, (_, number) => number),
      );
      expectPartitionOrder(received);
      expect(batches).toBeLessThan(100);
    });

    it('delivers what is written while it runs, from several topics', async () => {
      const topics = [await newTopic(driver), await newTopic(driver, 2)];
      const { received } = started(uniqueName('group'), topics);
      const producer = closers.use(await driver.producer());
      for (let round = 0; round < 5; round += 1) {
        await producer.send(topics.map((topic) => record(topic, `k${round}`, `${topic} ${round}`)));
        await eventually(() => distinct(received) === (round + 1) * 2, { what: `round ${round}` });
      }
    });

    it('keeps null, empty and binary keys, values and headers', async () => {
      const topic = await newTopic(driver);
      const before = Date.now();
      const binary = Buffer.from([0, 0xff, 0x80]);
      const sent = [
        record(topic, null, binary),
        record(topic, binary, null, { headers: { op: binary, empty: Buffer.alloc(0) } }),
        record(topic, Buffer.alloc(0), Buffer.alloc(0)),
      ];
      await produce(driver, sent);
      const { received } = started(uniqueName('group'), [topic]);
      await eventually(() => received.length === 3);
      expect(received.map(({ key, value }) => [key, value])).toEqual(sent.map(({ key, value }) => [key, value]));
      expect([...(received[1]?.headers ?? [])]).toEqual([...(sent[1]?.headers ?? [])]);
      expect(received[0]?.timestamp).toBeGreaterThanOrEqual(before);
    });

    it('continues at the committed offset when it is closed and opened again', async () => {
      const topic = await newTopic(driver, 2);
      const group = uniqueName('group');
      await produce(driver, numbered(topic, 0, 1_000));
      const first = started(group, [topic]);
      await eventually(() => first.received.length >= 1_000);
      await first.consumer.close();
      await first.ran;
      const admin = closers.use(driver.admin());
      expect([...(await others.committed(group, topic))].sort()).toEqual([...(await admin.endOffsets(topic))].sort());
      await produce(driver, numbered(topic, 1_000, 1_100));
      const second = started(group, [topic]);
      await eventually(() => second.received.length >= 100);
      expect(second.received.map(({ value }) => Number(text(value))).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 100 }, (_, at) => 1_000 + at),
      );
    });

    it('hands over no batch of a partition before the one before it was handled', async () => {
      const topic = await newTopic(driver, 2);
      await produce(
        driver,
        Array.from({ length: 4_000 }, (_, at) => record(topic, `k${at}`, Buffer.alloc(500, 'x'))),
      );
      const running = new Map<number, number>();
      let overlaps = 0;
      let count = 0;
      started(uniqueName('group'), [topic], async ({ partition, records }) => {
        running.set(partition, (running.get(partition) ?? 0) + 1);
        if (running.get(partition) !== 1) overlaps += 1;
        await new Promise(setImmediate);
        running.set(partition, 0);
        count += records.length;
      });
      await eventually(() => count >= 4_000);
      expect(overlaps).toBe(0);
    });

    it('rejects with the error of a handler, and leaves the batch uncommitted for the next member (I5)', async () => {
      const topic = await newTopic(driver);
      const group = uniqueName('group');
      await produce(driver, numbered(topic, 0, 10));
      const failure = Object.assign(new Error('apply failed'), { code: 'KF_KAFKA_UNAVAILABLE' });
      const { ran, consumer } = started(group, [topic], () => Promise.reject(failure));
      await expect(ran).rejects.toBe(failure);
      await consumer.close();
      expect((await others.committed(group, topic)).get(0) ?? -1n).toBe(-1n);
      const next = started(group, [topic]);
      await eventually(() => next.received.length === 10);
      expect(values(next.received)).toEqual(Array.from({ length: 10 }, (_, at) => String(at)));
    });

    it('commits nothing before the handler has resolved, and all of it when closed meanwhile (I5)', async () => {
      const topic = await newTopic(driver);
      const group = uniqueName('group');
      await produce(driver, numbered(topic, 0, 10));
      const gate = Promise.withResolvers<undefined>();
      const entered = Promise.withResolvers<undefined>();
      const { consumer, ran, received } = started(group, [topic], async () => {
        entered.resolve(undefined);
        await gate.promise;
      });
      await entered.promise;
      const closing = consumer.close();
      expect((await others.committed(group, topic)).get(0) ?? -1n).toBe(-1n);
      gate.resolve(undefined);
      await closing;
      await ran;
      expect(received).toHaveLength(10);
      expect((await others.committed(group, topic)).get(0)).toBe(10n);
    });

    it('shares the partitions of a topic between two members, and loses nothing when one leaves', async () => {
      const topic = await newTopic(driver, 4);
      const group = uniqueName('group');
      const members = [started(group, [topic]), started(group, [topic])] as const;
      const producer = closers.use(await driver.producer());
      let sent = 0;
      const sendSome = async (): Promise<void> => {
        await producer.send(numbered(topic, sent, sent + 200));
        sent += 200;
      };
      const all = (): Delivered[] => members.flatMap(({ received }) => received);
      await eventually(
        async () => {
          await sendSome();
          const owners = members.map(({ received }) => new Set(received.slice(-400).map(({ partition }) => partition)));
          return owners.every(({ size }) => size > 0);
        },
        { what: 'both members to get records', timeoutMs: 120_000 },
      );
      await members[0].consumer.close();
      await sendSome();
      await eventually(() => distinct(all()) === sent, { what: 'every record', timeoutMs: 120_000 });
      for (const { received } of members) expectPartitionOrder(dropRepeats(received));
    });

    it('keeps its place in the group while a handler takes longer than the session', async () => {
      const topic = await newTopic(driver);
      const group = uniqueName('group');
      await produce(driver, numbered(topic, 0, 5));
      const startedAt = performance.now();
      const deliveries: RecordBatch[] = [];
      const { received } = started(group, [topic], async (batch) => {
        deliveries.push(batch);
        if (deliveries.length === 1) await eventually(() => performance.now() - startedAt > 14_000);
      });
      await eventually(() => received.length === 5);
      await produce(driver, numbered(topic, 5, 6));
      await eventually(() => received.length === 6);
      expect(values(received)).toEqual(['0', '1', '2', '3', '4', '5']);
    });

    it('fetches a bounded amount ahead of slow handlers (I9)', async () => {
      const topic = await newTopic(driver, 8);
      const value = Buffer.alloc(10_000, 'x');
      const sent = Array.from({ length: 8_000 }, (_, at) => record(topic, `k${at}`, value, { partition: at % 8 }));
      await produce(driver, sent);
      const gate = Promise.withResolvers<undefined>();
      const before = process.memoryUsage().arrayBuffers;
      let entered = 0;
      let count = 0;
      started(uniqueName('group'), [topic], async ({ records }) => {
        entered += 1;
        await gate.promise;
        count += records.length;
      });
      await eventually(() => entered > 0);
      // As long as it takes to fetch all 80 MB, if nothing held it back.
      const heldAt = performance.now();
      await eventually(() => performance.now() - heldAt > 3_000);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40_000_000);
      gate.resolve(undefined);
      await eventually(() => count === 8_000);
    });

    it('delivers and commits nothing while it is paused, before or after it runs, and stays a member', async () => {
      const topic = await newTopic(driver, 2);
      const group = uniqueName('group');
      await produce(driver, numbered(topic, 0, 10));
      const consumer = closers.use(driver.groupConsumer({ groupId: group, topics: [topic] }));
      const received: Delivered[] = [];
      consumer.pause();
      consumer.run((batch) => Promise.resolve(void received.push(...flatten(batch)))).catch(() => undefined);
      const isMember = async (): Promise<boolean> => (await others.members(group)) === 1;
      await eventually(isMember, { what: 'it to be a member' });
      // Another group gets them, so they are there to be had.
      const other = started(uniqueName('group'), [topic]);
      await eventually(() => other.received.length === 10);
      expect(received).toEqual([]);
      consumer.resume();
      await eventually(() => received.length === 10);
      await eventually(async () => sumOf(await others.committed(group, topic)) === 10);
      consumer.pause();
      await produce(driver, numbered(topic, 10, 20));
      await eventually(() => other.received.length === 20);
      expect([received.length, sumOf(await others.committed(group, topic)), await isMember()]).toEqual([10, 10, true]);
      consumer.resume();
      await eventually(() => received.length === 20);
      expectPartitionOrder(received);
    });

    it('runs something aside while no batch of the partition is with its handler, also while paused', async () => {
      const topic = await newTopic(driver, 1);
      let busy = 0;
      let most = 0;
      const alone = async (): Promise<void> => {
        busy += 1;
        most = Math.max(most, busy);
        await new Promise(setImmediate);
        busy -= 1;
      };
      const { consumer, received } = started(uniqueName('group'), [topic], alone);
      await produce(driver, numbered(topic, 0, 1));
      await eventually(() => received.length === 1);
      const producing = produce(driver, numbered(topic, 1, 4_000));
      let ran = 0;
      for (; received.length < 4_000 || ran < 5; ran += 1) {
        expect(await consumer.aside(topic, 0, () => alone().then(() => 'done'))).toBe('done');
      }
      await producing;
      expect([most, distinct(received)]).toEqual([1, 4_000]);
      consumer.pause();
      expect(await consumer.aside(topic, 0, () => Promise.resolve('done'))).toBe('done');
      await expect(consumer.aside(topic, 0, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
      consumer.resume();
      await produce(driver, numbered(topic, 4_000, 4_001));
      await eventually(() => received.length === 4_001, { what: 'it to go on after a failure' });
      expect(await consumer.aside(topic, 7, () => Promise.resolve('done'))).toBeUndefined();
      await consumer.close();
    });

    it('passes over the markers of transactions, and leaves out what was aborted', async () => {
      const topic = await newTopic(driver);
      const group = uniqueName('group');
      await others.transaction(topic, ['aborted'], 'abort');
      await others.transaction(topic, ['committed'], 'commit');
      const { received, consumer, ran } = started(group, [topic]);
      await eventually(() => received.length === 1);
      expect(values(received)).toEqual(['committed']);
      await consumer.close();
      await ran;
    });

    it('tells that it has joined, and that it has joined again', async () => {
      const topic = await newTopic(driver, 2);
      const group = uniqueName('group');
      let joined = 0;
      const onJoined = (): void => void (joined += 1);
      const consumer = closers.use(driver.groupConsumer({ groupId: group, topics: [topic], onJoined }));
      consumer.run(() => Promise.resolve()).catch(() => undefined);
      expect(joined).toBe(0);
      await eventually(() => joined === 1, { what: 'it to join' });
      expect(await others.members(group)).toBe(1);
      started(group, [topic]);
      await eventually(() => joined > 1, { what: 'it to join again, beside another one' });
    });

    it('rejects when a topic does not exist, and does not tell that it has joined', async () => {
      const topics = ['contract-no-such-topic'];
      let joined = 0;
      const onJoined = (): void => void (joined += 1);
      const consumer = closers.use(driver.groupConsumer({ groupId: uniqueName('group'), topics, onJoined }));
      await expect(consumer.run(() => Promise.resolve())).rejects.toMatchObject({ code: 'KF_KAFKA_TOPIC_MISSING' });
      expect(joined).toBe(0);
    });

    it('can be closed before it runs, while it cannot reach a broker, and twice', async () => {
      const idle = driver.groupConsumer({ groupId: uniqueName('group'), topics: ['t'] });
      await idle.close();
      const { consumer, ran } = listen(connect(client, ['127.0.0.1:1']), uniqueName('group'), ['t']);
      await consumer.close();
      await consumer.close();
      await ran;
    });
  });
};

const sumOf = (offsets: ReadonlyMap<number, bigint>): number =>
  [...offsets.values()].reduce((sum, offset) => sum + Math.max(0, Number(offset)), 0);

/** A record that came again, after a rebalance: the first time counts. */
const dropRepeats = (records: readonly Delivered[]): Delivered[] => [
  ...Map.groupBy(records, ({ partition, offset }) => `${partition}:${offset}`)
    .values()
    .flatMap((repeats) => repeats.slice(0, 1)),
];
