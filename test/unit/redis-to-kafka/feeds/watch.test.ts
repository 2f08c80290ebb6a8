import { expect, test } from 'vitest';
import { KeyferryError } from '../../../../src/core/errors.ts';
import { watch } from '../../../../src/redis-to-kafka/feeds/watch.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { silentLogger } from '../../../support/silent-logger.ts';

const setUp = () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (fields: object) => void warnings.push(JSON.stringify(fields)) };
  const feed = { isUp: true };
  const tools = { clock, logger, signal: stop.signal, isFeedUp: () => feed.isUp };
  return { clock, stop, warnings, feed, tools };
};

const denied = (): Promise<never> => Promise.reject(new KeyferryError('KF_REDIS_PERMISSION', 'no INFO'));

test('a look that is refused each time does not keep the others from looking, and is told of once', async () => {
  const { clock, stop, warnings, tools } = setUp();
  let canaries = 0;
  const canary = (): Promise<void> => {
    canaries += 1;
    return Promise.resolve();
  };
  const running = watch({ ...tools, everyMs: 1_000, looks: [denied, canary] });
  await clock.advance(2_500);
  expect(canaries).toBe(3);
  expect(warnings).toEqual(['{"code":"KF_REDIS_PERMISSION","reason":"no INFO"}']);
  stop.abort();
  await running;
});

test('a look that failed, and did not, and fails again is told of twice', async () => {
  const { clock, stop, warnings, tools } = setUp();
  const outcomes = [denied, () => Promise.resolve(), denied];
  const running = watch({ ...tools, everyMs: 1_000, looks: [() => outcomes.shift()?.() ?? Promise.resolve()] });
  await clock.advance(3_500);
  expect(warnings).toHaveLength(2);
  stop.abort();
  await running;
});

test('nothing is looked at while the feed is down, nor ever where the interval is 0', async () => {
  const { clock, stop, feed, tools } = setUp();
  feed.isUp = false;
  let looks = 0;
  const look = (): Promise<void> => {
    looks += 1;
    return Promise.resolve();
  };
  const running = [1_000, 0].map((everyMs) => watch({ ...tools, everyMs, looks: [look] }));
  await clock.advance(5_000);
  expect(looks).toBe(0);
  stop.abort();
  await Promise.all(running);
});
