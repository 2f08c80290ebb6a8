import { describe, expect, it } from 'vitest';
import { metered } from '../../../../src/clients/kafka/metered.ts';
import type { KafkaDriver } from '../../../../src/clients/kafka/port.ts';
import { KeyferryError } from '../../../../src/core/errors.ts';
import { createMetrics } from '../../../../src/observability/create-metrics.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

/** A driver whose producer takes 20 ms for a send, and then answers so. */
const setUp = async (answer: () => unknown) => {
  const clock = new FakeClock();
  const metrics = createMetrics();
  const send = async (): Promise<unknown> => {
    await clock.advance(20);
    return answer();
  };
  const driver = { producer: () => Promise.resolve({ send }) } as unknown as KafkaDriver;
  return { producer: await metered(driver, metrics.kafka, clock).producer(), metrics };
};

const fail = (error: Error) => () => {
  throw error;
};

describe('a producer that is measured', () => {
  it('times the sends that Kafka acknowledged', async () => {
    const acknowledgements: readonly unknown[] = [];
    const { producer, metrics } = await setUp(() => acknowledgements);
    expect(await producer.send([])).toBe(acknowledgements);
    const text = await metrics.text();
    expect(text).toContain('keyferry_kafka_produce_seconds_sum 0.02\n');
    expect(text).not.toMatch(/^keyferry_kafka_produce_failures_total\{.*\} [1-9]/m);
  });

  it.each([
    [new KeyferryError('KF_KAFKA_PERMISSION', 'not you'), 'KF_KAFKA_PERMISSION'],
    [new Error('no code of ours'), 'KF_KAFKA_REFUSED'],
  ])('counts one that failed by its code, times it not, and passes the error on: %s', async (error, code) => {
    const { producer, metrics } = await setUp(fail(error));
    await expect(producer.send([])).rejects.toBe(error);
    const text = await metrics.text();
    expect(text).toContain(`keyferry_kafka_produce_failures_total{code="${code}"} 1\n`);
    expect(text).toContain('keyferry_kafka_produce_seconds_count 0\n');
  });
});
