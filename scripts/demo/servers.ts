import { prepareProcesses } from '../../test/support/process-provider.ts';
import { disposeStack, stackProvider } from '../../test/support/provider.ts';
import { chooseStack } from './choose-stack.ts';
import { type RedisDatabase, deleteTopic, givenRedis, tryBrokers } from './given.ts';

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
  const given = url === undefined ? undefined : await givenRedis(url);
  if (brokers !== undefined) await tryBrokers(brokers);
  const startsSome = given === undefined || brokers === undefined;
  if (startsSome) await prepareStack(say);
  const [databases, kafka] = await Promise.all([given ?? startRedisPair(), brokers ?? startKafka()]);
  const name = brokers === undefined ? 'demo' : `keyferry-demo-${Date.now()}`;
  return {
    source: databases.source,
    copy: databases.copy,
    brokers: kafka,
    topic: name,
    group: name,
    mayFlush: given === undefined,
    dispose: async () => {
      try {
        await given?.restore();
        if (brokers !== undefined) await deleteTopic(brokers, name);
      } finally {
        if (startsSome) await disposeStack();
      }
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

const startKafka = async (): Promise<readonly string[]> => (await (await stackProvider()).startKafka()).brokers;
