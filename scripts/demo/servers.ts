import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import { prepareProcesses } from '../../test/support/process-provider.ts';
import { disposeStack, stackProvider } from '../../test/support/provider.ts';
import { chooseStack } from './choose-stack.ts';

/** Of every key that the demo writes: on someone's own Redis it touches no other. */
export const PREFIX = 'keyferry-demo:';
const COPY_DATABASE = 1;

export interface RedisDatabase {
  readonly url: string;
  readonly db: number;
}

export interface DemoServers {
  readonly source: RedisDatabase;
  readonly copy: RedisDatabase;
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Of the sink. */
  readonly group: string;
  /** The Redis was started for this demo: it may be flushed. */
  readonly mayFlush: boolean;
  /** Ends what was started; from given servers, takes away what the demo left there. */
  dispose(): Promise<void>;
}

/**
 * The servers to show everything with: those that KEYFERRY_REDIS_URL and KEYFERRY_KAFKA_BROKERS name; what these leave
 * open is started, in containers or as processes.
 * @throws where that cannot be, saying what is missing
 */
export const findServers = async (say: (text: string) => void): Promise<DemoServers> => {
  const url = process.env['KEYFERRY_REDIS_URL'];
  const brokers = process.env['KEYFERRY_KAFKA_BROKERS']?.split(',').map((broker) => broker.trim());
  if (url === undefined || brokers === undefined) await prepareStack(say);
  const [databases, kafka] = await Promise.all([
    url === undefined ? startRedisPair() : givenDatabases(url),
    brokers ?? startKafka(),
  ]);
  const name = brokers === undefined ? 'demo' : `keyferry-demo-${Date.now()}`;
  const servers = { ...databases, brokers: kafka, topic: name, group: name, mayFlush: url === undefined };
  return {
    ...servers,
    dispose: async () => {
      if (url !== undefined) await Promise.all([deleteKeys(servers.source), deleteKeys(servers.copy)]);
      if (brokers !== undefined) await deleteTopic(brokers, name);
      await disposeStack();
    },
  };
};

type Databases = Pick<DemoServers, 'source' | 'copy'>;

const prepareStack = async (say: (text: string) => void): Promise<void> => {
  const kind = await chooseStack(say);
  process.env['KEYFERRY_TEST_STACK'] = kind;
  if (kind === 'processes') await prepareProcesses();
  say(`starting servers as ${kind}`);
};

const startRedisPair = async (): Promise<Databases> => {
  const provider = await stackProvider();
  const [source, copy] = await Promise.all([provider.startRedis(), provider.startRedis()]);
  return { source: { url: source.url, db: 0 }, copy: { url: copy.url, db: 0 } };
};

const givenDatabases = (url: string): Databases => {
  const db = Number(new URL(url).pathname.slice(1));
  return { source: { url, db }, copy: { url, db: db === COPY_DATABASE ? 0 : COPY_DATABASE } };
};

const startKafka = async (): Promise<readonly string[]> => (await (await stackProvider()).startKafka()).brokers;

const deleteKeys = async ({ url, db }: RedisDatabase): Promise<void> => {
  const redis = new Redis(url, { db });
  for await (const keys of redis.scanBufferStream({ match: `${PREFIX}*` }) as AsyncIterable<Buffer[]>) {
    if (keys.length > 0) await redis.unlink(...keys);
  }
  redis.disconnect();
};

const deleteTopic = async (brokers: readonly string[], name: string): Promise<void> => {
  const admin = new Kafka({ brokers: [...brokers], clientId: 'keyferry-demo', logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [name] });
  await admin.deleteGroups([name]);
  await admin.disconnect();
};
