import { Redis } from 'ioredis';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { connectKafka } from '../../src/clients/kafka/connect.ts';
import type { OutgoingRecord } from '../../src/clients/kafka/port.ts';
import { SinkFixture } from '../integration/sink-fixture.ts';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { stackProvider } from '../support/provider.ts';

const RECORDS = 60_000;
const SEND = 2_000;

const numbered = (from: number): Partial<OutgoingRecord>[] =>
  Array.from({ length: SEND }, (_, at) => ({ key: Buffer.from('k'), value: Buffer.from(String(from + at)) }));

/** All records, once each, in the order of the topic. */
const isWhole = (values: readonly string[]): boolean =>
  values.length === RECORDS && values.every((value, at) => value === String(at));

describe('the daemon with sinks that append', () => {
  const fixture = new SinkFixture();

  test('I6: holds each record once and in order in a list and a stream, killed under load again and again', async () => {
    const sink = (as: string) => ({
      ...{ name: as, topics: [fixture.topic], group: `${fixture.group}-${as}`, format: 'string', key: as, as },
      ...(as === 'list' ? { push: 'right' } : {}),
    });
    const daemon = await Daemon.create({
      redis: { url: fixture.server.url },
      kafka: { brokers: [...inject('kafkaBrokers')] },
      sinks: [sink('list'), sink('stream'), sink('string')],
    });
    onTestFinished(() => daemon.dispose());
    const added = () => fixture.redis.llen('list');
    const sendAll = async (): Promise<void> => {
      for (let from = 0; from < RECORDS; from += SEND) {
        await fixture.send(...numbered(from));
        // So that each life of the daemon has its share.
        await eventually(async () => (await added()) > from - 20_000, {
          timeoutMs: 180_000,
          what: 'the sink to follow',
        });
      }
    };
    await daemon.start();
    const sending = sendAll();
    for (let kills = 0; kills < 2; kills += 1) {
      const before = await added();
      await eventually(async () => (await added()) > before, { timeoutMs: 180_000, what: 'records to be added' });
      await daemon.kill();
      await daemon.start();
    }
    await sending;
    await eventually(async () => isWhole(await fixture.redis.lrange('list', 0, -1)), {
      ...{ timeoutMs: 180_000, what: 'the list to hold each record once' },
    });
    await eventually(async () => (await fixture.redis.xlen('stream')) === RECORDS, {
      ...{ timeoutMs: 180_000, what: 'the stream to hold each record' },
    });
    const entries = await fixture.redis.xrange('stream', '-', '+');
    expect(isWhole(entries.map(([, [, value = '']]) => value))).toBe(true);
    expect(entries.at(-1)?.[0]).toBe(`${RECORDS - 1}-1`);
    await eventually(async () => (await fixture.redis.get('string')) === String(RECORDS - 1), {
      ...{ timeoutMs: 180_000, what: 'the last string' },
    });
    expect(await daemon.metric('keyferry_sink_records_total{sink="list",outcome="dead-lettered"}')).toBe(0);
  });
});

test('I6: a broker that is killed under load makes no sink add a record twice, and none is missing', async () => {
  const provider = await stackProvider();
  const [broker, server] = await Promise.all([provider.startKafka(), provider.startRedis()]);
  const redis = new Redis(server.url);
  const driver = connectKafka({ client: 'platformatic', brokers: broker.brokers, clientId: 'sink-test' });
  const admin = driver.admin();
  await admin.create({ name: 'queue', partitions: 1, config: {} });
  await admin.close();
  const sink = { name: 'queue', topics: ['queue'], group: 'queue', format: 'string', as: 'list', push: 'right' };
  const daemon = await Daemon.create({
    redis: { url: server.url },
    kafka: { brokers: [...broker.brokers] },
    sinks: [sink],
  });
  const producer = await driver.producer();
  onTestFinished(async () => {
    await daemon.dispose();
    await producer.close();
    redis.disconnect();
    await Promise.all([broker.kill(), server.kill()]);
  });
  const sendAll = async (): Promise<void> => {
    for (let from = 0; from < RECORDS; from += SEND) {
      const records = numbered(from).map((each) => ({
        topic: 'queue',
        key: null,
        value: null,
        headers: new Map(),
        ...each,
      }));
      // The same array: what stands in the log already is not written again.
      await eventually(() => producer.send(records), { timeoutMs: 180_000, what: 'Kafka to take records' });
    }
  };
  await daemon.start();
  const sending = sendAll();
  await eventually(async () => (await redis.llen('k')) > 0, { timeoutMs: 180_000, what: 'records to be added' });
  await broker.kill();
  await broker.start();
  await sending;
  await eventually(async () => isWhole(await redis.lrange('k', 0, -1)), {
    ...{ timeoutMs: 180_000, what: 'the list to hold each record once' },
  });
});
