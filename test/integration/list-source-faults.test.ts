import { describe, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { lateProxy } from '../support/late-proxy.ts';
import { ListFixture, PROCESSING, jobs } from './list-fixture.ts';

describe('a list source whose Redis fails', () => {
  const fixture = new ListFixture(['--appendonly', 'yes', '--appendfsync', 'always']);

  test('neither loses nor repeats an item when its connections are cut, again and again', async () => {
    const running = fixture.start({ batch: 50 });
    for (let round = 0; round < 20; round += 1) {
      await fixture.add(jobs(500, round * 500));
      await fixture.redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    }
    await fixture.published(running, 10_000);
    await fixture.settled();
    expect(await fixture.values()).toEqual(jobs(10_000));
  });

  test('neither loses nor repeats an item when a command of a lost connection comes late', async () => {
    const proxy = await lateProxy(fixture.server);
    onTestFinished(proxy.close);
    const running = fixture.start({ batch: 10 }, { url: proxy.url });
    await fixture.add(Array.from({ length: 100 }, () => 'tick'));
    await fixture.published(running, 100);
    await fixture.settled();
    proxy.hold();
    await fixture.add(Array.from({ length: 100 }, () => 'tock'));
    await eventually(() => proxy.held >= 1, { what: 'a turn to be held' });
    proxy.cutClients();
    await fixture.published(running, 200);
    await proxy.release();
    await fixture.add(['end']);
    await fixture.published(running, 201);
    await fixture.settled();
    const values = await fixture.values();
    expect(values).toHaveLength(201);
    expect(values.at(-1)).toBe('end');
  });

  test('loses no item when Redis is killed, and keeps their order', async () => {
    const running = fixture.start({ batch: 50 });
    for (let kills = 0; kills < 3; kills += 1) {
      await fixture.add(jobs(2_000, kills * 2_000));
      await fixture.published(running, kills * 2_000 + 200);
      await fixture.server.kill();
      await fixture.server.start();
      await eventually(() => fixture.redis.ping(), { what: 'Redis to be back' });
    }
    await fixture.settled();
    expect([...new Set(await fixture.values())]).toEqual(jobs(6_000));
    await eventually(() => running.source.health().length === 0, { what: 'the source to be well' });
  });

  test('publishes again what it had taken, and nothing else, after it ended without a drain', async () => {
    await fixture.add(jobs(5_000));
    const first = fixture.start({ batch: 100 });
    await fixture.published(first, 300);
    await first.stop(0);
    const left = await fixture.redis.llen('jobs');
    const standing = await fixture.redis.llen(PROCESSING);
    const second = fixture.start({ batch: 100 });
    await fixture.published(second, left + standing);
    await fixture.settled();
    expect([...new Set(await fixture.values())]).toEqual(jobs(5_000));
    expect(second.source.status().lists).toMatchObject([{ recovered: standing }]);
  });

  test('empties a queue that has filled the memory of Redis', async () => {
    await fixture.redis.set('__keyferry__:origin', 'this-redis');
    await fixture.add(jobs(1_000));
    await fixture.redis.config('SET', 'maxmemory', '1kb');
    await expect(fixture.redis.lpush('jobs', 'one more')).rejects.toThrow('OOM');
    const running = fixture.start({ batch: 100 });
    await fixture.published(running, 1_000);
    await fixture.settled();
    expect(await fixture.values()).toEqual(jobs(1_000));
  });

  test('takes nothing before Kafka is there, and says why', async () => {
    const running = fixture.start({}, { brokers: ['127.0.0.1:1'] });
    await fixture.add(jobs(10));
    await eventually(() => running.source.health().some((reason) => reason.includes('127.0.0.1:1')), {
      what: 'the reason',
    });
    expect(await fixture.redis.llen('jobs')).toBe(10);
  });
});
