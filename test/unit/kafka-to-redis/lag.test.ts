import { expect, test } from 'vitest';
import { Lag } from '../../../src/kafka-to-redis/consume/lag.ts';

const batch = (partition: number, behind: number | undefined) => ({ topic: 't', partition, records: [], behind });

test('is unknown before the first batch, and while a partition has not told', () => {
  const lag = new Lag();
  expect(lag.total()).toBeUndefined();
  lag.applied(batch(0, 5));
  expect(lag.total()).toBe(5);
  lag.applied(batch(1, undefined));
  expect(lag.total()).toBeUndefined();
});

test('is the sum over the partitions, as their last batches told', () => {
  const lag = new Lag();
  lag.applied(batch(0, 5));
  lag.applied(batch(1, 7));
  lag.applied(batch(0, 1));
  expect(lag.total()).toBe(8);
  expect(lag.byPartition()).toEqual({ 't/0': 1, 't/1': 7 });
});

test('is unknown again once the partitions were given back', () => {
  const lag = new Lag();
  lag.applied(batch(0, 5));
  lag.forget();
  expect(lag.total()).toBeUndefined();
});
