import { Redis } from 'ioredis';
import { connectKafka } from '../../../src/clients/kafka/connect.ts';
import type { KafkaDriver, OutgoingRecord } from '../../../src/clients/kafka/port.ts';
import type { Bench, Scenario } from '../bench.ts';
import { type Latencies, percentile, probeLatency } from '../latency-probe.ts';
import { startMirror } from '../mirror.ts';
import { createTopic } from '../topic.ts';

const PACE = { perSecond: 1_000, warmUpSeconds: 5 };
const MAX_P50_MS = 3;
const MAX_P99_MS = 15;
const SECONDS = 30;
const BROKER_TIME = { 'message.timestamp.type': 'LogAppendTime' };

/** kafkajs takes 35 ms to hand out a record that has just come: it would measure itself. */
const probe = ({ kafka }: Bench): KafkaDriver =>
  connectKafka({ client: 'platformatic', brokers: kafka.brokers, clientId: 'keyferry-bench' });

const throughKeyferry = async (bench: Bench, seconds: number) => {
  const mirror = await startMirror(bench, 'latency', { topicConfig: BROKER_TIME });
  const redis = new Redis(mirror.redis.url);
  const write = (key: string, value: string): void => void redis.set(key, value);
  const latencies = await probeLatency({ ...PACE, driver: probe(bench), topic: mirror.topic.name, seconds, write });
  const series = (part: string) => mirror.daemon.metric(`keyferry_source_end_to_end_seconds_${part}{source="latency"}`);
  const meanSeconds = ((await series('sum')) ?? Number.NaN) / ((await series('count')) ?? Number.NaN);
  redis.disconnect();
  await mirror.stop();
  return { latencies, meanMs: meanSeconds * 1000 };
};

/** The same pace straight to Kafka: what waits goes out as soon as the last send was acknowledged. */
const throughProducer = async (bench: Bench, seconds: number): Promise<Latencies> => {
  const topic = await createTopic(bench.outside, `bench-bare-latency-${Date.now()}`, BROKER_TIME);
  const driver = connectKafka({ client: bench.client, brokers: bench.kafka.brokers, clientId: 'keyferry-bench' });
  const producer = await driver.producer();
  let waiting: OutgoingRecord[] = [];
  let sending: Promise<void> | undefined;
  const sendAll = async (): Promise<void> => {
    while (waiting.length > 0) await producer.send(waiting.splice(0));
    sending = undefined;
  };
  const write = (key: string, value: string): void => {
    const state = Buffer.from(JSON.stringify({ type: 'string', value }));
    waiting.push({ topic: topic.name, key: Buffer.from(key), value: state, headers: new Map() });
    sending ??= sendAll();
  };
  const latencies = await probeLatency({ ...PACE, driver: probe(bench), topic: topic.name, seconds, write });
  waiting = [];
  await sending;
  await producer.close();
  await topic.close();
  return latencies;
};

export const latency: Scenario = {
  id: 'b',
  title: 'end-to-end latency at 1,000 changes/s',
  run: async (bench) => {
    const seconds = Math.max(1, bench.scaled(SECONDS));
    const bare = await throughProducer(bench, seconds);
    const { latencies, meanMs } = await throughKeyferry(bench, seconds);
    const row = (name: string, share: number, atMost: number) => ({
      scenario: 'b',
      what: `write to record received, ${name}`,
      value: percentile(latencies.received, share),
      unit: 'ms',
      target: { atMost },
      limits: [
        { what: 'bare producer to consumer', value: percentile(bare.received, share), unit: 'ms' },
        {
          what: 'write to append at the broker (1 ms steps)',
          value: percentile(latencies.appended, share),
          unit: 'ms',
        },
      ],
    });
    return [
      row('p50', 0.5, MAX_P50_MS),
      row('p99', 0.99, MAX_P99_MS),
      {
        scenario: 'b',
        what: 'change seen to acknowledged, mean by the daemon',
        value: meanMs,
        unit: 'ms',
        limits: [],
      },
    ];
  },
};
