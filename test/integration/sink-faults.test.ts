import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, inject, test } from 'vitest';
import { connectRedis } from '../../src/clients/redis/connect.ts';
import { systemClock } from '../../src/core/clock.ts';
import { eventually } from '../support/eventually.ts';
import { silentLogger } from '../support/silent-logger.ts';
import { Workplace } from '../support/workplace.ts';
import { type RunningSink, SinkFixture, gone, set, text } from './sink-fixture.ts';

const hash = (key: string, field: string) =>
  set(key, { value: { type: 'hash', entries: [Buffer.from('f'), Buffer.from(field)] }, expireAt: undefined });

const waiting = ({ sink }: RunningSink, why: string): Promise<boolean> =>
  eventually(() => sink.status().state === 'retrying' && sink.health().join().includes(why), {
    what: `the sink to wait because of ${why}`,
  });

describe('a sink whose Redis fails for a while', () => {
  const fixture = new SinkFixture(['--appendonly', 'yes', '--appendfsync', 'always']);

  /** 20,000 records of 2,000 keys, each key's last one the highest. */
  const KEYS = 2_000;
  const sendRounds = async (from: number, to: number): Promise<void> => {
    for (let round = from; round < to; round += 1) {
      await fixture.send(...Array.from({ length: KEYS }, (_, at) => text(`key${at}`, String(round))));
    }
  };
  const lastRounds = async (): Promise<ReadonlySet<string | null>> =>
    new Set(await fixture.redis.mget(Array.from({ length: KEYS }, (_, at) => `key${at}`)));

  test('loses nothing and keeps the order when Redis is killed and started again, time after time', async () => {
    const { outcomes } = fixture.start({ deadLetter: `${fixture.topic}.dead` });
    const sending = sendRounds(0, 40);
    for (let kills = 1; kills <= 4; kills += 1) {
      const seen = outcomes.total;
      await eventually(() => outcomes.total > seen, { what: 'records to be applied' });
      await fixture.server.kill();
      await fixture.server.start();
    }
    await sending;
    await eventually(async () => (await lastRounds()).size === 1 && (await lastRounds()).has('39'), {
      what: 'each key to be in its last state',
    });
    expect(outcomes.counts['dead-lettered']).toBeUndefined();
  });

  test('waits for a Redis that is not there yet, and says so', async () => {
    await fixture.server.stop();
    const running = fixture.start();
    await fixture.send(text('a', 'x'));
    await waiting(running, 'ECONNREFUSED');
    await fixture.server.start();
    await fixture.caughtUp();
    await eventually(() => running.sink.health().length === 0, { what: 'the sink to be well' });
    const isIdle = (): void => {
      expect(running.sink.status()).toMatchObject({ state: 'running', lag: { [`${fixture.topic}/0`]: 0 } });
    };
    await eventually(isIdle, { what: 'no lag' });
    expect(running.outcomes.lagOf()).toBe(0);
  });

  test('waits for a topic that nobody has made yet, and says so once, however often it tries', async () => {
    const lines: string[] = [];
    const note = (_: object, message: string): void => void lines.push(message);
    let tries = 0;
    const sleep = (ms: number, signal?: AbortSignal): Promise<void> => {
      tries += 1;
      return systemClock.sleep(Math.min(ms, 50), signal);
    };
    const missing = `${fixture.topic}-missing`;
    const { sink } = fixture.start(
      { topics: [missing] },
      { clock: { ...systemClock, sleep }, logger: { ...silentLogger, info: note, warn: note } },
    );
    await eventually(() => tries >= 3, { what: 'the third try' });
    expect(lines).toEqual(['the sink waits']);
    expect(sink.health().join()).toContain(`Unknown topic ${missing}`);
    const admin = fixture.kafka().admin();
    await admin.create({ name: missing, partitions: 1, config: {} });
    await admin.close();
    await eventually(() => sink.health().length === 0, { what: 'the sink to be well' });
    expect(lines).toEqual(['the sink waits', 'the sink goes on']);
  });

  test.each([
    ['OOM', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0']],
    ['READONLY', ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE']],
    ['NOREPLICAS', ['CONFIG', 'SET', 'min-replicas-to-write', '1'], ['CONFIG', 'SET', 'min-replicas-to-write', '0']],
  ])('waits while Redis answers %s: nothing is dead-lettered, no key is touched', async (why, bring, mend) => {
    const running = fixture.start({ deadLetter: `${fixture.topic}.dead` });
    await fixture.apply(text('a', 'before'), hash('h', 'before'));
    await fixture.redis.call(...(bring as [string, ...string[]]));
    await fixture.send(hash('h', 'after'), text('a', 'after'), text('b', 'after'));
    await waiting(running, why);
    expect(await fixture.redis.hget('h', 'f')).toBe('before');
    expect(await fixture.redis.mget('a', 'b')).toEqual(['before', null]);
    await fixture.redis.call(...(mend as [string, ...string[]]));
    await fixture.caughtUp();
    expect(await fixture.redis.hget('h', 'f')).toBe('after');
    expect(await fixture.redis.mget('a', 'b')).toEqual(['after', 'after']);
    expect(running.outcomes.counts['dead-lettered']).toBeUndefined();
  });

  test('deletes even where the memory is used up', async () => {
    await fixture.apply(text('a', 'x'), text('b', 'x'));
    await fixture.redis.config('SET', 'maxmemory', '1');
    await fixture.apply(gone('a'), gone('b'));
    expect(await fixture.redis.exists('a', 'b')).toBe(0);
  });

  test('leaves the group while Redis stays away, so as not to hold a partition, and comes back with it', async () => {
    // 20 s of patience pass in one.
    const running = fixture.start({}, { clock: { ...systemClock, monotonic: () => performance.now() * 20 } });
    await fixture.apply(text('a', 'x'));
    const kafka = new Kafka({ brokers: [...inject('kafkaBrokers')], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    const members = async (): Promise<number | undefined> =>
      (await admin.describeGroups([fixture.group])).groups[0]?.members.length;
    expect(await members()).toBe(1);
    await fixture.server.stop();
    await fixture.send(text('a', 'y'));
    await waiting(running, 'ECONNREFUSED');
    await eventually(async () => (await members()) === 0, { what: 'the group to be empty' });
    await fixture.server.start();
    await fixture.caughtUp();
    expect(await fixture.redis.get('a')).toBe('y');
    await admin.disconnect();
  });

  test('stops at once while Redis is away, and what it had not applied comes again', async () => {
    const running = fixture.start();
    await fixture.apply(text('a', 'x'));
    await fixture.server.stop();
    await fixture.send(text('a', 'y'));
    await waiting(running, 'ECONNREFUSED');
    await running.stop();
    expect(running.sink.status().state).toBe('stopped');
    await fixture.server.start();
    const next = fixture.start();
    await eventually(() => next.outcomes.total === 1, { what: 'the record to come again' });
    expect(await fixture.redis.get('a')).toBe('y');
  });

  test('fails with what is wrong where Redis refuses its user', async () => {
    await fixture.redis.call('CONFIG', 'SET', 'requirepass', 'secret');
    await expect(fixture.start().ended).rejects.toMatchObject({ code: 'KF_REDIS_AUTH' });
  });

  test('waits where its password is refused that was taken before: the file is about to have the new one', async () => {
    const workplace = new Workplace();
    const passwordFile = join(workplace.dir, 'password');
    writeFileSync(passwordFile, 'first\n');
    await fixture.redis.call('ACL', 'SETUSER', 'ferry', 'on', '>first', '~*', '&*', '+@all');
    const { host, port } = fixture.server;
    const redis = connectRedis({ url: `redis://ferry@${host}:${port}`, passwordFile, name: 'keyferry' });
    const running = fixture.start({}, { redis });
    await fixture.apply(text('a', 'x'));
    await fixture.redis.call('ACL', 'SETUSER', 'ferry', '<first', '>second');
    await fixture.redis.call('CLIENT', 'KILL', 'USER', 'ferry');
    await fixture.send(text('a', 'y'));
    await waiting(running, 'WRONGPASS');
    writeFileSync(passwordFile, 'second\n');
    await fixture.caughtUp();
    expect(await fixture.redis.get('a')).toBe('y');
    await workplace.close();
  });

  test.each(['setrange', 'hset'])('fails where its user may not run %s, and dead-letters nothing', async (command) => {
    await fixture.redis.call('ACL', 'SETUSER', 'default', `-${command}`);
    await fixture.send(hash('h', 'x'));
    const running = fixture.start({ deadLetter: `${fixture.topic}.dead` });
    await expect(running.ended).rejects.toMatchObject({ code: 'KF_REDIS_PERMISSION' });
    expect(running.outcomes.total).toBe(0);
  });
});
