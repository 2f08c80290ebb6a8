import { beforeEach, expect, test } from 'vitest';
import type { RedisMaster } from '../../../../src/clients/redis/port.ts';
import { TopologyWatch } from '../../../../src/clients/redis/topology-watch.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const master = (id: string): RedisMaster => ({ id, host: id, port: 1, slots: [] });

let clock: FakeClock;
/** What the next looks give; the last one stays. */
let sights: (readonly RedisMaster[] | Error)[];
let looks: number;
let closed: number;
let watch: TopologyWatch;

beforeEach(() => {
  clock = new FakeClock();
  sights = [[master('a')]];
  [looks, closed] = [0, 0];
  const look = (): Promise<readonly RedisMaster[]> => {
    looks += 1;
    const sight = (sights.length > 1 ? sights.shift() : sights[0]) ?? [];
    return sight instanceof Error ? Promise.reject(sight) : Promise.resolve(sight);
  };
  const close = (): Promise<void> => {
    closed += 1;
    return Promise.resolve();
  };
  watch = new TopologyWatch({ scout: () => ({ look, close }), everyMs: 1_000, clock });
});

test('all who are interested share one look at each interval, which ends with the last of them', async () => {
  const [one, other] = [watch.open(), watch.open()];
  await clock.advance(2_500);
  expect(looks).toBe(3);
  one.close();
  one.close();
  await clock.advance(1_000);
  expect([looks, closed]).toEqual([4, 0]);
  other.close();
  await clock.advance(5_000);
  expect([looks, closed]).toEqual([4, 1]);
  const again = watch.open();
  expect(again.masters).toEqual([]);
  await again.ready();
  expect([looks, again.masters]).toEqual([5, [master('a')]]);
});

test('a change is told once, and nothing to who has closed', async () => {
  sights = [[master('a')], [master('a')], [master('b')], [master('b')], [master('c')]];
  const [topology, another] = [watch.open(), watch.open()];
  const told: string[] = [];
  topology.onChange((masters) => told.push(`one ${masters.map(({ id }) => id).join()}`));
  const end = another.onChange((masters) => told.push(`other ${masters.map(({ id }) => id).join()}`));
  await clock.advance(3_500);
  end();
  topology.close();
  await clock.advance(1_000);
  expect(told).toEqual(['one a', 'other a', 'one b', 'other b']);
  expect(another.masters).toEqual([master('c')]);
});

test('a hint brings the next look forward; many hints at once are one', async () => {
  const topology = watch.open();
  await clock.advance(100);
  for (let hint = 0; hint < 5; hint += 1) topology.refresh();
  await clock.advance(0);
  expect(looks).toBe(2);
  for (let hint = 0; hint < 5; hint += 1) topology.refresh();
  await clock.advance(49);
  expect(looks).toBe(2);
  await clock.advance(1);
  expect(looks).toBe(3);
});

test('while nobody can tell, the reason is given to who waits, and what was known still counts', async () => {
  sights = [new Error('nobody answers'), [master('a')], new Error('nobody answers')];
  const topology = watch.open();
  await expect(topology.ready()).rejects.toMatchObject({
    code: 'KF_REDIS_UNAVAILABLE',
    message: expect.stringContaining('nobody answers') as string,
  });
  const waiting = topology.ready();
  await clock.advance(1_000);
  await waiting;
  expect(topology.failure).toBeUndefined();
  await clock.advance(5_000);
  expect(topology.masters).toEqual([master('a')]);
  expect(topology.failure?.message).toContain('nobody answers');
});

test('waiting ends with the signal', async () => {
  sights = [new Error('nobody answers')];
  const topology = watch.open();
  await expect(topology.ready()).rejects.toThrow();
  await expect(topology.ready(AbortSignal.abort())).rejects.toMatchObject({ code: 'KF_REDIS_UNAVAILABLE' });
});
