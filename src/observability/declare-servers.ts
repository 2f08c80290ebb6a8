import { getHeapStatistics } from 'node:v8';
import type { ErrorCode } from '../core/errors.ts';
import type { Add, Instruments } from './instruments.ts';
import type { DaemonMetrics, KafkaMetrics, RedisServerLoad, RedisServersMetrics, RestMetrics } from './metrics.ts';

/** With what a send to Kafka fails. */
const PRODUCE_ERRORS: readonly ErrorCode[] = [
  'KF_KAFKA_UNAVAILABLE',
  'KF_KAFKA_REFUSED',
  'KF_KAFKA_PERMISSION',
  'KF_KAFKA_AUTH',
  'KF_KAFKA_TOPIC_MISSING',
  'KF_KAFKA_RECORD_TOO_LARGE',
];

export const declareRest = (declare: Instruments): RestMetrics => {
  const requests = declare.counter({
    name: 'rest_requests_total',
    help: 'Redis REST requests answered.',
    labels: ['route', 'status'],
  });
  const seconds = declare.histogram({
    name: 'rest_request_seconds',
    help: 'One Redis REST request, to its answer.',
    labels: ['kind'],
  });
  const origin = declare.counterBy(
    { name: 'rest_origin_total', help: 'Keys looked for at their origin.', labels: ['outcome'] },
    ['stored', 'superseded', 'absent', 'failed'],
  );
  const kinds = { read: seconds('read'), write: seconds('write'), ack: seconds('ack') };
  const series = new Map<string, Add>();
  const byOutcome = origin();
  return {
    request: (route, status) => {
      const labels = [route, `${Math.floor(status / 100)}xx`];
      const add = series.get(labels.join()) ?? requests(...labels);
      series.set(labels.join(), add);
      add(1);
    },
    requestSeconds: (kind, elapsed) => {
      kinds[kind](elapsed);
    },
    origin: (outcome) => {
      byOutcome(outcome, 1);
    },
  };
};

export const declareRedis = (declare: Instruments): RedisServersMetrics => {
  const readers: (() => readonly RedisServerLoad[])[] = [];
  const each = (value: (load: RedisServerLoad) => number | undefined) => () => {
    // Two flows may have the same server.
    const loads = new Map(readers.flatMap((read) => read()).map((load) => [load.address, load]));
    return Array.from(loads.values(), (load) => ({ labels: [load.address], value: value(load) }));
  };
  const of = (name: string, help: string) => ({ name, help, labels: ['redis'] });
  declare.keptGauge(
    of('redis_used_memory_bytes', 'Memory that a master of Redis uses.'),
    each((load) => load.usedMemoryBytes),
  );
  declare.keptGauge(
    of('redis_maxmemory_bytes', 'The limit that is set for it.'),
    each((load) => load.maxMemoryBytes),
  );
  declare.keptCounter(
    of('redis_evicted_keys_total', 'Keys that a master of Redis evicted for want of memory, since it runs.'),
    each((load) => load.evictedKeys),
  );
  const commands = { name: 'redis_commands_total', help: 'Commands sent to Redis.', labels: ['kind'] };
  return {
    commands: declare.counterBy(commands, ['read', 'write'])(),
    commandSeconds: declare.histogram({
      name: 'redis_command_seconds',
      help: 'One round trip to Redis.',
      labels: [],
    })(),
    servers: (read) => {
      readers.push(read);
    },
  };
};

export const declareKafka = (declare: Instruments): KafkaMetrics => {
  const seconds = { name: 'kafka_produce_seconds', help: 'One send to Kafka, to its acknowledgement.', labels: [] };
  const failures = declare.counterBy(
    { name: 'kafka_produce_failures_total', help: 'Sends to Kafka that failed; most are repeated.', labels: ['code'] },
    PRODUCE_ERRORS,
  )();
  return {
    produceSeconds: declare.histogram(seconds)(),
    produceFailed: (code) => {
      failures(code, 1);
    },
  };
};

export const declareDaemon = (declare: Instruments) => {
  const gauge = (name: string, help: string, labels: string[] = []) => declare.gauge({ name, help, labels });
  const build = gauge('build_info', 'Always 1; the label tells the version.', ['version']);
  const ready = gauge('ready', '1 while /readyz answers 200, else 0.');
  const heapLimit = gauge('heap_limit_bytes', 'The size of the heap at which Node ends for want of memory.');
  return ({ version, isReady }: DaemonMetrics): void => {
    build(() => 1, version);
    ready(() => (isReady() ? 1 : 0));
    heapLimit(() => getHeapStatistics().heap_size_limit);
  };
};
