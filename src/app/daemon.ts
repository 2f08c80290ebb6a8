import { connectKafka } from '../clients/kafka/connect.ts';
import type { AppConfig } from '../config/app-config.ts';
import { aborted, systemClock } from '../core/clock.ts';
import { codeOf, messageOf } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { createLogger } from '../observability/logger.ts';
import { createMetrics } from '../observability/create-metrics.ts';
import { FlowFigures } from '../observability/flow-figures.ts';
import { createHttpServer } from '../rest/http-server.ts';
import { ChangeTail } from '../rest/live/change-tail.ts';
import { LmdbStateStore } from '../state-store/lmdb-state-store.ts';
import { FlowJournals } from './flow-journal.ts';
import { openControl } from './open-control.ts';
import { type Flow, type Tools, openSink, openSource } from './flows.ts';
import { KafkaWatch } from './kafka-watch.ts';
import { LiveStatus } from './live-status.ts';
import { openRedisRest } from './redis-rest.ts';
import { openTracer } from './tracing.ts';
import { openRedisWatches } from './redis-watch.ts';
import { type Screen, showOn } from './screen.ts';

/** Within SIGTERM's 25 s: what is in flight has this long to be published, the rest is for closing. */
const DRAIN_MS = 20_000;

export interface DaemonOptions {
  readonly config: AppConfig;
  readonly version: string;
  /** Aborts: drain and stop. */
  readonly signal: AbortSignal;
  /** undefined: nobody watches; the log goes to standard output. */
  readonly screen?: Screen | undefined;
}

/**
 * Builds the flows of the configuration, runs them, and ends when the signal aborts and all is drained.
 * @throws what keeps a flow from working at all: KF_REDIS_AUTH, KF_KAFKA_AUTH, KF_REDIS_PERMISSION, KF_STATE_STORE...
 */
export const runDaemon = async ({ config, version, signal, screen }: DaemonOptions): Promise<void> => {
  const clock = systemClock;
  const logger = openLog(config.log, screen);
  const metrics = createMetrics();
  const store = new LmdbStateStore({ path: config.state.path, clock });
  const journals = new FlowJournals(clock);
  const tail = new ChangeTail({ clock, showValues: config.http.showValues });
  const tracer = await openTracer(config.tracing, { version, clock, logger });
  const tools: Tools = { config, store, clock, logger, metrics, journals, tail, tracer };
  const sources = config.sources.map((source) => openSource(source, tools));
  const sinks = config.sinks.map((sink) => openSink(sink, tools));
  const flows: readonly Flow[] = [...sources, ...sinks];
  const redisRest = openRedisRest(sources, tools);
  // A daemon of sinks elsewhere has no use for the main Redis, and does not wait for one.
  const needsRedis = sources.length > 0 || config.sinks.some(({ redis }) => redis === config.redis);
  const redisWatches = openRedisWatches(needsRedis, tools);
  const kafkaWatch = new KafkaWatch(connectKafka(config.kafka).admin(), clock);
  const health = (): readonly string[] => [
    ...kafkaWatch.health(),
    ...flows.flatMap((flow) => flow.health()),
    ...(needsRedis ? (redisRest?.health() ?? []) : []),
  ];
  metrics.daemon({ version, isReady: () => health().length === 0 });
  const live = new LiveStatus({
    version,
    sources,
    sinks,
    journals,
    figures: new FlowFigures({ metrics, clock }),
    health,
    kafkaAwaySince: () => kafkaWatch.awaySince,
    clock,
  });
  const server = createHttpServer({
    ...config.http,
    clientTimeoutMs: config.http.clientTimeout,
    redisRest,
    health,
    status: () => live.status(),
    admin: openControl({ sources, sinks }, tools),
    version,
    tail,
    metrics,
    logger,
    clock,
  });
  const stopWatching = [live.watch(), ...(screen === undefined ? [] : [showOn(screen, () => live.status(), clock)])];
  try {
    const port = await server.listen();
    logger.info({ version, host: config.http.host, port }, 'keyferry runs');
    for (const watch of [kafkaWatch, ...redisWatches]) void watch.run(signal);
    const onFailed = live.failed.bind(live);
    await runAll(flows, signal, { clock, logger, onFailed });
    logger.info({}, 'keyferry stopped');
  } finally {
    for (const stop of stopWatching) stop();
    await server.close();
    await Promise.allSettled([
      store.close(),
      tracer?.close(),
      ...[kafkaWatch, ...redisWatches].map((watch) => watch.close()),
    ]);
  }
};

const openLog = ({ level, format }: AppConfig['log'], screen: Screen | undefined): Logger => {
  if (screen === undefined) return createLogger({ level, format: format === 'auto' ? 'json' : format });
  const write = screen.print.bind(screen);
  return createLogger({ level, format: format === 'auto' ? 'pretty' : format, destination: { write } });
};

interface RunTools extends Pick<Tools, 'clock' | 'logger'> {
  readonly onFailed: (flow: Flow, error: unknown) => void;
}

/** Runs the flows until the signal. One that fails for good takes the others down: half a daemon would look alive. */
const runAll = async (
  flows: readonly Flow[],
  signal: AbortSignal,
  { clock, logger, onFailed }: RunTools,
): Promise<void> => {
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const drain = new AbortController();
  const ended = new AbortController();
  const deadline = aborted(stop).then(async () => {
    await clock.sleep(DRAIN_MS, ended.signal);
    drain.abort();
  });
  const running = flows.map(async (flow) => {
    try {
      await flow.run(stop, drain.signal);
    } catch (error) {
      logger.error({ code: codeOf(error), reason: messageOf(error) }, 'a flow failed');
      onFailed(flow, error);
      failed.abort();
      throw error;
    }
  });
  try {
    await Promise.all([aborted(stop), ...running]);
  } finally {
    failed.abort();
    await Promise.allSettled(running);
    ended.abort();
    await deadline;
  }
};
