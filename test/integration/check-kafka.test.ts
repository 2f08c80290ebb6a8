import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { CheckedEvents } from '../../src/cli/checks/broker-settings.ts';
import { connectKafka } from '../../src/clients/kafka/connect.ts';
import { stackProvider } from '../support/provider.ts';
import type { RedisServer } from '../support/stack.ts';
import { checked, checkedConfig, createTopic, problems, uniqueTopic } from './check-fixture.ts';

let server: RedisServer;

beforeAll(async () => {
  server = await (await stackProvider()).startRedis();
});
afterAll(() => server.kill());

const found = async (events: Partial<Omit<CheckedEvents, 'type'>>) => {
  const list = { name: 'jobs', type: 'list' as const, keys: ['jobs'], database: 0 };
  const source = { ...list, topic: uniqueTopic(), partitions: 2, ...events };
  return checked({ ...checkedConfig(server.url, { sources: [] }), events: [source] });
};

describe('check of the topics of events', () => {
  it('fails for a compacted one where records have no key, as Kafka refuses those', async () => {
    const topic = uniqueTopic();
    await createTopic(topic, { 'cleanup.policy': 'compact' });
    expect(problems(await found({ topic }))).toEqual([
      expect.stringMatching(/^FAIL .*refuses the records of source jobs, which have no key/),
    ]);
    const kafka = connectKafka({ client: 'platformatic', brokers: inject('kafkaBrokers'), clientId: 'check-test' });
    const producer = await kafka.producer();
    const send = producer.send([{ topic, key: null, value: Buffer.from('x'), headers: new Map() }]);
    await expect(send).rejects.toMatchObject({ code: 'KF_KAFKA_REFUSED' });
    await producer.close();
  });

  it('warns for a compacted one where they have keys, and fails for compacted dead letters', async () => {
    const topic = uniqueTopic();
    await createTopic(topic, { 'cleanup.policy': 'compact' });
    const result = await found({ topic, recordKey: '{key}', deadLetter: topic });
    expect(problems(result)).toEqual([
      expect.stringMatching(/^warn .*only the last is kept/),
      expect.stringMatching(/^FAIL .*takes the dead letters of source jobs/),
    ]);
  });

  it('fails for one that wants more replicas than it has', async () => {
    const topic = uniqueTopic();
    await createTopic(topic, { 'min.insync.replicas': '2' });
    expect(problems(await found({ topic }))).toEqual([expect.stringMatching(/^FAIL .*takes no write at all/)]);
  });

  it('is content with what is missing and may be created, and creates nothing', async () => {
    const [topic, deadLetter] = [uniqueTopic(), uniqueTopic()];
    const result = await found({ topic, deadLetter });
    expect(result.status).toBe(0);
    expect(result.lines).toContainEqual(
      expect.stringMatching(/is missing; run creates it, not compacted, 2 partitions/),
    );
    const admin = connectKafka({
      client: 'platformatic',
      brokers: inject('kafkaBrokers'),
      clientId: 'check-test',
    }).admin();
    expect(await admin.topics()).not.toContain(topic);
    await admin.close();
  });
});
