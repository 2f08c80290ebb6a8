import { randomUUID } from 'node:crypto';
import {
  type ContainerRuntimeClient,
  GenericContainer,
  ImageName,
  Wait,
  type WaitStrategy,
  getContainerRuntimeClient,
} from 'testcontainers';
import { eventually } from './eventually.ts';
import { CLUSTER_ID, serverProperties } from './kafka-config.ts';
import { freePort } from './ports.ts';
import { kafkaAnswers, redisAnswers } from './readiness.ts';
import type { KafkaServer, RedisServer, StackProvider } from './stack.ts';
import { Workplace } from './workplace.ts';

const START_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_S = 30;
const LOG_TAIL_CHARS = 2_000;
const REDIS_PORT = 6379;
const ALLOW_DEBUG = ['--enable-debug-command', 'yes'];

/** Where the environment names no others. */
export const DEFAULT_IMAGES = { redis: 'redis:7.4-alpine', kafka: 'apache/kafka:4.1.0' } as const;
const redisImage = (): string => process.env['KEYFERRY_TEST_REDIS_IMAGE'] ?? DEFAULT_IMAGES.redis;
const kafkaImage = (): string => process.env['KEYFERRY_TEST_KAFKA_IMAGE'] ?? DEFAULT_IMAGES.kafka;

/** Which of the servers' images a Docker engine lacks; undefined where no engine answers. */
export const missingImages = async (): Promise<readonly string[] | undefined> => {
  const engine = await getContainerRuntimeClient().catch(() => undefined);
  if (engine === undefined) return undefined;
  const missing: string[] = [];
  for (const image of [redisImage(), kafkaImage()]) {
    if (!(await engine.image.exists(ImageName.fromString(image)))) missing.push(image);
  }
  return missing;
};

/** @throws where an image does not come within the time */
export const pullImages = async (images: readonly string[], timeoutMs: number): Promise<void> => {
  const engine = await getContainerRuntimeClient();
  const pulls = Promise.all(images.map((image) => engine.image.pull(ImageName.fromString(image))));
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`${images.join(', ')}: not pulled in ${timeoutMs / 1000} s`));
  }, timeoutMs);
  await Promise.race([pulls, late]).finally(() => {
    clearTimeout(timer);
  });
};

/** Servers as containers. Our own reaper watches over them, so that no further image is needed. */
export const containerProvider = async (): Promise<StackProvider> => {
  process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
  const engine = await getContainerRuntimeClient();
  const workplace = new Workplace();
  return {
    name: 'containers',
    startRedis: ({ args = [], debug = false, tls } = {}) =>
      tls === undefined
        ? startRedis(engine, workplace, [...args, ...(debug ? ALLOW_DEBUG : [])])
        : Promise.reject(new Error('a server in a container reads no certificates of this machine')),
    startKafka: ({ config = {} } = {}) => startKafka(engine, workplace, config),
    dispose: () => workplace.close(),
  };
};

const startRedis = async (
  engine: ContainerRuntimeClient,
  workplace: Workplace,
  args: readonly string[],
): Promise<RedisServer> => {
  const host = hostOf(engine);
  const port = await freePort();
  const container = new GenericContainer(redisImage())
    .withExposedPorts({ container: REDIS_PORT, host: port })
    .withCommand(['redis-server', '--bind', '0.0.0.0', '--protected-mode', 'no', '--save', '', ...args]);
  const answers = (): Promise<boolean> => redisAnswers(host, port);
  const server = await run(engine, workplace, container, Wait.forLogMessage('Ready to accept connections'), answers);
  return { host, port, url: `redis://${host}:${port}`, ...server };
};

const startKafka = async (
  engine: ContainerRuntimeClient,
  workplace: Workplace,
  config: Readonly<Record<string, string>>,
): Promise<KafkaServer> => {
  const host = hostOf(engine);
  const port = await freePort();
  // The same port inside and outside: what the broker advertises is then true on both sides.
  const addresses = { host, port, bind: '0.0.0.0', controllerPort: port === 9093 ? 9094 : 9093 };
  const properties = serverProperties('/tmp/keyferry-data', addresses, config);
  const container = new GenericContainer(kafkaImage())
    .withExposedPorts({ container: port, host: port })
    .withEnvironment({ KAFKA_HEAP_OPTS: '-Xmx1g' })
    .withCopyContentToContainer([{ content: properties, target: '/tmp/server.properties', mode: 0o644 }])
    .withEntrypoint(['sh', '-c', KAFKA_COMMAND]);
  const answers = (): Promise<boolean> => kafkaAnswers(host, port);
  const server = await run(engine, workplace, container, Wait.forLogMessage('Kafka Server started'), answers);
  return { brokers: [`${host}:${port}`], ...server };
};

/** Formatted at the first start; the broker takes the shell's place, so that it gets the signals. */
const KAFKA_COMMAND = [
  `/opt/kafka/bin/kafka-storage.sh format --standalone --ignore-formatted -t ${CLUSTER_ID} -c /tmp/server.properties`,
  'exec /opt/kafka/bin/kafka-server-start.sh /tmp/server.properties',
].join(' && ');

/** An engine's `localhost` may mean IPv6 to a client, where nothing listens. */
const hostOf = ({ info }: ContainerRuntimeClient): string =>
  info.containerRuntime.host === 'localhost' ? '127.0.0.1' : info.containerRuntime.host;

type Lifecycle = Pick<RedisServer, 'kill' | 'stop' | 'start' | 'freeze' | 'thaw'>;

const run = async (
  engine: ContainerRuntimeClient,
  workplace: Workplace,
  container: GenericContainer,
  firstReady: WaitStrategy,
  answers: () => Promise<boolean>,
): Promise<Lifecycle> => {
  const name = `keyferry-test-${randomUUID()}`;
  const handle = engine.container.getById(name);
  workplace.guard(`container ${name}`);
  let log = '';
  const started = await container
    .withName(name)
    .withWaitStrategy(firstReady)
    .withStartupTimeout(START_TIMEOUT_MS)
    .withLogConsumer((stream) => stream.on('data', (chunk) => (log = `${log}${String(chunk)}`.slice(-LOG_TAIL_CHARS))))
    .start()
    .catch(async (error: unknown) => {
      // A container that ended at once is still there, and nobody has read its log.
      const lastWords = await handle.logs({ stdout: true, stderr: true }).catch(() => log);
      throw new Error(`a container did not start. The end of its log:\n${String(lastWords).slice(-LOG_TAIL_CHARS)}`, {
        cause: error,
      });
    });
  const ready = (): Promise<unknown> => eventually(answers, { timeoutMs: START_TIMEOUT_MS, what: started.getName() });
  await ready();
  const isRunning = async (): Promise<boolean> => (await handle.inspect()).State.Running;
  return {
    kill: async () => {
      if (await isRunning()) await handle.kill({ signal: 'SIGKILL' });
      await handle.wait();
    },
    stop: async () => {
      if (await isRunning()) await handle.stop({ t: STOP_TIMEOUT_S });
    },
    start: async () => {
      await handle.start();
      await ready();
    },
    freeze: () => handle.pause(),
    thaw: () => handle.unpause(),
  };
};
