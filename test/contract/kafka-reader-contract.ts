import { afterEach, describe, expect, it } from 'vitest';
import type { KafkaClient } from '../../src/clients/kafka/connect.ts';
import { eventually } from '../support/eventually.ts';
import { readTopic } from '../support/independent-reader.ts';
import {
  Closers,
  connect,
  flatten,
  independent,
  newTopic,
  produce,
  readAll,
  record,
  text,
  values,
} from './kafka-fixture.ts';

const numbered = (topic: string, from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => record(topic, `k${from + at}`, String(from + at)));

/** What every driver's reader must do; run on each of them. */
export const readerContract = (client: KafkaClient, brokers: readonly string[]): void => {
  describe(`${client}: reader`, () => {
    const driver = connect(client, brokers);
    const others = independent(brokers);
    const closers = new Closers();
    afterEach(() => closers.close());

    it('reads every record of every partition and resolves with the ends', async () => {
      const topic = await newTopic(driver, 3);
      await produce(driver, numbered(topic, 0, 5_000));
      const { records, ends } = await readAll(driver, topic);
      const expected = await readTopic(brokers, topic);
      const shown = records
        .map(({ partition, offset, key, value }) => ({ partition, offset, key: text(key), value: text(value) }))
        .sort((a, b) => a.partition - b.partition || Number(a.offset - b.offset));
      expect(shown).toEqual(
        expected.map(({ partition, offset, key, value }) => ({ partition, offset, key, value: text(value) })),
      );
      const admin = closers.use(driver.admin());
      expect([...ends].sort()).toEqual([...(await admin.endOffsets(topic))].sort());
    });

    it('reads a topic whose times are those of the broker (LogAppendTime)', async () => {
      const topic = await newTopic(driver, 1, { 'message.timestamp.type': 'LogAppendTime' });
      const before = Date.now();
      await produce(driver, numbered(topic, 0, 100));
      const { records } = await readAll(driver, topic);
      expect(values(records)).toEqual(Array.from({ length: 100 }, (_, n) => String(n)));
      expect(records.every(({ timestamp }) => timestamp >= before - 1_000 && timestamp <= Date.now())).toBe(true);
    });

    it('resolves at once on an empty topic', async () => {
      const topic = await newTopic(driver, 2);
      const { records, ends } = await readAll(driver, topic);
      expect(records).toEqual([]);
      expect(Object.fromEntries(ends)).toEqual({ 0: 0n, 1: 0n });
    });

    it('reads from the offsets that it is given', async () => {
      const topic = await newTopic(driver);
      await produce(driver, numbered(topic, 0, 100));
      expect(values((await readAll(driver, topic, new Map([[0, 97n]]))).records)).toEqual(['97', '98', '99']);
      expect(values((await readAll(driver, topic, new Map([[0, 100n]]))).records)).toEqual([]);
    });

    it('reads from the earliest record where the given offset was deleted', async () => {
      const topic = await newTopic(driver);
      await produce(driver, numbered(topic, 0, 100));
      await others.deleteRecords(topic, 90n);
      const ninety = Array.from({ length: 10 }, (_, at) => String(90 + at));
      expect(values((await readAll(driver, topic)).records)).toEqual(ninety);
      expect(values((await readAll(driver, topic, new Map([[0, 5n]]))).records)).toEqual(ninety);
    });

    it('resolves where every record was deleted', async () => {
      const topic = await newTopic(driver);
      await produce(driver, numbered(topic, 0, 100));
      await others.deleteRecords(topic, 100n);
      expect(await readAll(driver, topic)).toEqual({ records: [], ends: new Map([[0, 100n]]) });
    });

    it('reads a topic that was made anew from its beginning, though the given offset is behind its end', async () => {
      const topic = await newTopic(driver);
      await produce(driver, numbered(topic, 0, 3));
      expect(values((await readAll(driver, topic, new Map([[0, 50n]]))).records)).toEqual(['0', '1', '2']);
    });

    it('ends though the last offsets are markers of transactions, and leaves out what was aborted', async () => {
      const topic = await newTopic(driver);
      await produce(driver, [record(topic, 'k', 'plain')]);
      await others.transaction(topic, ['committed 1', 'committed 2'], 'commit');
      await others.transaction(topic, ['aborted 1', 'aborted 2'], 'abort');
      // The marker of an abort is written after the answer; before it, the partition ends where the transaction began.
      const admin = closers.use(driver.admin());
      await eventually(async () => (await admin.endOffsets(topic)).get(0) === 7n);
      const { records } = await readAll(driver, topic);
      expect(values(records)).toEqual(['plain', 'committed 1', 'committed 2']);
      expect((await readAll(driver, topic, new Map([[0, 4n]]))).records).toEqual([]);
    });

    it('tells the time of appending where the topic is configured so', async () => {
      const topic = await newTopic(driver, 1, { 'message.timestamp.type': 'LogAppendTime' });
      const before = Date.now();
      await produce(driver, numbered(topic, 0, 3));
      const { records } = await readAll(driver, topic);
      expect(values(records)).toEqual(['0', '1', '2']);
      for (const { timestamp } of records) {
        expect(timestamp).toBeGreaterThanOrEqual(before);
        expect(timestamp).toBeLessThanOrEqual(Date.now());
      }
    });

    it('reads compressed records', async () => {
      const topic = await newTopic(driver);
      const sent = Array.from({ length: 500 }, (_, at) => `value ${at}`);
      await others.compressed(topic, sent);
      expect(values((await readAll(driver, topic)).records)).toEqual(sent);
      const fromMiddle = await readAll(driver, topic, new Map([[0, 499n]]));
      expect(values(fromMiddle.records)).toEqual(['value 499']);
    });

    it('stops at the ends that stood when it began, whatever is written meanwhile', async () => {
      const topic = await newTopic(driver);
      await produce(driver, numbered(topic, 0, 10));
      const reader = closers.use(driver.reader());
      const producer = closers.use(await driver.producer());
      const read: (string | null)[] = [];
      const ends = await reader.readToEnd(topic, new Map(), async (batch) => {
        read.push(...values(batch.records));
        await producer.send(numbered(topic, 10, 20));
      });
      expect(read).toHaveLength(10);
      expect(ends).toEqual(new Map([[0, 10n]]));
    });

    it('awaits each batch before the next, and says how many records are behind it', async () => {
      const topic = await newTopic(driver, 2);
      const large = Buffer.alloc(1_000, 'x');
      await produce(
        driver,
        Array.from({ length: 6_000 }, (_, at) => record(topic, `k${at}`, large)),
      );
      const reader = closers.use(driver.reader());
      let running = 0;
      let mostRunning = 0;
      const behind = new Map<number, (number | undefined)[]>();
      let count = 0;
      await reader.readToEnd(topic, new Map(), async (batch) => {
        running += 1;
        mostRunning = Math.max(mostRunning, running);
        await new Promise(setImmediate);
        count += flatten(batch).length;
        behind.set(batch.partition, [...(behind.get(batch.partition) ?? []), batch.behind]);
        running -= 1;
      });
      expect(mostRunning).toBe(1);
      expect(count).toBe(6_000);
      for (const [, sizes] of behind) {
        expect(sizes.length).toBeGreaterThan(1);
        expect(sizes).toEqual(sizes.toSorted((a, b) => Number(b) - Number(a)));
        expect(sizes.at(-1)).toBe(0);
      }
    });

    it('reads no further once the batch handler has enough', async () => {
      const topic = await newTopic(driver, 3);
      await produce(driver, numbered(topic, 0, 6_000));
      const reader = closers.use(driver.reader());
      let batches = 0;
      await reader.readToEnd(topic, new Map(), () => {
        batches += 1;
        return batches === 2 ? 'enough' : undefined;
      });
      expect(batches).toBe(2);
    });

    it('rejects with what the batch handler rejects with', async () => {
      const topic = await newTopic(driver);
      await produce(driver, numbered(topic, 0, 10));
      const reader = closers.use(driver.reader());
      const failure = new Error('no room');
      await expect(reader.readToEnd(topic, new Map(), () => Promise.reject(failure))).rejects.toBe(failure);
    });

    it('leaves no group on the broker', async () => {
      const topic = await newTopic(driver);
      await produce(driver, numbered(topic, 0, 10));
      await readAll(driver, topic);
      const left = (await others.groups()).filter((group) => group.includes(`contract-${client}`));
      expect(left).toEqual([]);
    });

    it('says when the topic is missing, and when no broker can be reached', async () => {
      await expect(readAll(driver, 'contract-no-such-topic')).rejects.toMatchObject({ code: 'KF_KAFKA_TOPIC_MISSING' });
      const nowhere = readAll(connect(client, ['127.0.0.1:1']), 'topic');
      await expect(nowhere).rejects.toMatchObject({ code: 'KF_KAFKA_UNAVAILABLE' });
    });
  });
};
