import { expect, test } from 'vitest';
import { ReconnectingConnection } from '../../../../src/clients/redis/connection.ts';
import type { Line } from '../../../../src/clients/redis/dial.ts';
import { askWithin } from '../../../../src/clients/redis/within.ts';
import { KeyferryError } from '../../../../src/core/errors.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const UNTRUSTED = new KeyferryError('KF_REDIS_UNAVAILABLE', 'Redis wants a certificate of ours');

/** What is said of a question that nobody answers, which is asked once a second, five times. */
const refusals = async (dial: () => Promise<Line>): Promise<readonly string[]> => {
  const clock = new FakeClock();
  const connection = new ReconnectingConnection({ dial, clock });
  const said: string[] = [];
  for (let time = 0; time < 5; time += 1) {
    const asked = askWithin(connection, () => new Promise<never>(() => undefined), { ms: 1_000, clock });
    void asked.catch((error: unknown) => said.push((error as Error).message));
    await clock.advance(1_000);
  }
  return said;
};

test('who is dialled more seldom than asked is not answered for by the time that is up, but by why the dial failed', async () => {
  expect(await refusals(() => Promise.reject(UNTRUSTED))).toEqual(Array(5).fill(UNTRUSTED.message));
});

test('a server that nothing comes back from is told of as such', async () => {
  const never = new Promise<never>(() => undefined);
  expect(await refusals(() => never)).toEqual(Array(5).fill('Redis has not answered yet'));
  const connected = { address: 'redis:6379', ended: never } as unknown as Line;
  expect(await refusals(() => Promise.resolve(connected))).toEqual(
    Array(5).fill('Redis did not answer within 1000 ms'),
  );
});
