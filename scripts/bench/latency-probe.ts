import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaDriver } from '../../src/clients/kafka/port.ts';
import { eventually } from '../../test/support/eventually.ts';

const VALUE_LENGTH = 100;
const STAMP = /"value":"([\d.]+)x/;

/** Milliseconds after the write, sorted ascending. */
export interface Latencies {
  /** Until a consumer had the record: later than the acknowledgement, which leaves the broker at the same moment. */
  readonly received: readonly number[];
  /** Until the broker appended it, by its own clock, in whole milliseconds: earlier than the acknowledgement. */
  readonly appended: readonly number[];
}

export const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** Unix milliseconds, with microseconds behind the point. */
const now = (): number => performance.timeOrigin + performance.now();

/** The value of a write: the moment at which it was written, padded to 100 bytes. */
const stamp = (): string => now().toFixed(3).padEnd(VALUE_LENGTH, 'x');

export interface ProbeOptions {
  readonly driver: KafkaDriver;
  /** Has broker timestamps (LogAppendTime); values are states of strings in JSON. */
  readonly topic: string;
  readonly perSecond: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Sends one change on its way, at once. */
  readonly write: (key: string, value: string) => void;
}

/**
 * Writes at an even pace, each value telling when it was written, and reads the topic in the same process, so that one
 * clock measures both ends. What came while warming up is left out.
 */
export const probeLatency = async (options: ProbeOptions): Promise<Latencies> => {
  const { driver, topic, perSecond, warmUpSeconds, seconds } = options;
  const received: number[] = [];
  const appended: number[] = [];
  const consumer = driver.groupConsumer({ groupId: `${topic}-probe`, topics: [topic] });
  const running = consumer.run(({ records }) => {
    const at = now();
    for (const { value, timestamp } of records) {
      const written = Number(STAMP.exec(value?.toString() ?? '')?.[1]);
      if (Number.isNaN(written)) throw new Error(`a record of ${topic} does not tell when it was written`);
      received.push(at - written);
      appended.push(timestamp - written);
    }
    return Promise.resolve();
  });
  const pace = pacer(options);
  // Joining a group takes seconds; until then what is written waits on the topic.
  while (received.length === 0) await Promise.race([pace(1), running]);
  await pace(warmUpSeconds);
  received.length = 0;
  appended.length = 0;
  await pace(seconds);
  await eventually(() => received.length >= perSecond * seconds, { what: 'the last record of the probe' });
  await consumer.close();
  await running;
  const ascending = (a: number, b: number): number => a - b;
  return { received: received.sort(ascending), appended: appended.sort(ascending) };
};

/** Each call writes for so many seconds; keys go on counting. */
const pacer = ({ perSecond, write }: ProbeOptions): ((seconds: number) => Promise<void>) => {
  let key = 0;
  return async (seconds) => {
    const start = performance.now();
    const first = key;
    const last = first + perSecond * seconds;
    while (key < last) {
      const due = Math.min(last, first + ((performance.now() - start) * perSecond) / 1000);
      for (; key < due; key += 1) write(`latency:${key}`, stamp());
      await sleep(1);
    }
  };
};
