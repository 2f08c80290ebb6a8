import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { type CheckedConfig, check } from '../../src/cli/check.ts';
import { connectKafka } from '../../src/clients/kafka/connect.ts';
import { headerWriter } from '../../src/codecs/record-headers.ts';
import { systemClock } from '../../src/core/clock.ts';

export const uniqueTopic = (): string => `check-${randomUUID()}`;

const source = {
  name: 'all',
  databases: [0],
  topic: '',
  partitions: 2,
  maxValueBytes: 100_000,
  include: ['*'],
  notifications: 'require' as const,
};

export type Source = CheckedConfig['sources'][number];
export type Sink = Extract<CheckedConfig['sinks'][number], { format: 'keyferry' }>;

/** What `keyferry check` is given, on a topic of its own. */
export const checkedConfig = (
  url: string,
  changes: { readonly sources?: readonly Partial<Source>[]; readonly sinks?: readonly Partial<Sink>[] } = {},
): CheckedConfig => {
  const sources = (changes.sources ?? [{}]).map((each) => ({ ...source, topic: uniqueTopic(), ...each }));
  const sink = {
    name: 'copy',
    format: 'keyferry' as const,
    topics: [sources[0]?.topic ?? uniqueTopic()],
    database: 0,
    redis: { url },
  };
  const kafka = { brokers: inject('kafkaBrokers'), clientId: 'keyferry', client: 'platformatic' as const };
  return { redis: { url }, kafka, sources, sinks: (changes.sinks ?? []).map((each) => ({ ...sink, ...each })) };
};

export const checked = async (
  config: CheckedConfig,
): Promise<{ readonly status: number; readonly lines: string[] }> => {
  const lines: string[] = [];
  const status = await check({ config, clock: systemClock, out: (line) => lines.push(line) });
  return { status, lines };
};

/** Without the lines that tell what is fine, and without the totals. */
export const problems = ({ lines }: { readonly lines: readonly string[] }): readonly string[] =>
  lines.slice(0, -1).filter((line) => !line.startsWith('ok'));

const driver = () => connectKafka({ client: 'platformatic', brokers: inject('kafkaBrokers'), clientId: 'check-test' });

export const createTopic = async (name: string, config: Record<string, string>, partitions = 2): Promise<void> => {
  const admin = driver().admin();
  await admin.create({ name, partitions, config });
  await admin.close();
};

/** A record of a database of some Redis, on a topic that exists. */
export const publishAs = async (origin: string, topic: string, db = 0): Promise<void> => {
  const headers = headerWriter({ db, origin }).gone({ op: 'del', redisType: 'string', ts: 0 });
  const producer = await driver().producer();
  await producer.send([{ topic, key: Buffer.from('k'), value: null, headers }]);
  await producer.close();
};
