import { describe, expect, it } from 'vitest';
import type { KeyName } from '../../../src/core/key-name.ts';
import type { FollowedKeys, Place } from '../../../src/core/place.ts';
import { Acknowledgements, ackWishOf, recordsHeaders } from '../../../src/rest/redis-rest/acknowledgement.ts';
import { type MirrorSource, SourcesMirror } from '../../../src/rest/redis-rest/mirror.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const key = (name: string): KeyName => name as KeyName;
const place = (topic: string, offset: number): Place => ({ topic, partition: 3, offset: BigInt(offset) });

/** Carries keys with a prefix; acknowledges when it is told to. */
class ScriptedSource implements MirrorSource {
  readonly name: string;
  readonly writing = (): void => undefined;
  readonly written = (): void => undefined;
  isRunning = true;
  followers = 0;
  acknowledge: () => void = () => undefined;
  readonly #prefix: string;

  constructor(name: string, prefix: string) {
    this.name = name;
    this.#prefix = prefix;
  }

  carries = (db: number, name: KeyName): boolean => db === 0 && name.startsWith(this.#prefix);

  follow(_db: number, keys: readonly KeyName[]): FollowedKeys | undefined {
    if (!this.isRunning) return undefined;
    this.followers += 1;
    const told = new Promise<void>((resolve) => (this.acknowledge = resolve));
    return {
      acknowledged: async () => {
        await told;
        return keys.map((each, at) => ({ key: each, place: place(this.name, at) }));
      },
      release: () => (this.followers -= 1),
    };
  }
}

describe('the wish to wait for Kafka', () => {
  it('is made by a header, and may be for less time than configured, not for more', () => {
    expect(ackWishOf({}, 1_000)).toBeUndefined();
    expect(ackWishOf({ 'keyferry-ack': 'kafka' }, 1_000)).toEqual({ timeoutMs: 1_000 });
    expect(ackWishOf({ 'keyferry-ack': 'kafka', 'keyferry-ack-timeout': '20' }, 1_000)).toEqual({ timeoutMs: 20 });
    expect(ackWishOf({ 'keyferry-ack': 'kafka', 'keyferry-ack-timeout': '9999' }, 1_000)).toEqual({ timeoutMs: 1_000 });
  });

  it.each(['0', '-1', '1.5', '1s', '', '99999999999'])('cannot be for %s milliseconds', (timeout) => {
    expect(() => ackWishOf({ 'keyferry-ack': 'kafka', 'keyferry-ack-timeout': timeout }, 1_000)).toThrow(
      /milliseconds/,
    );
  });
});

describe('the places in the headers', () => {
  it('stand in the order of the keys, any bytes percent-encoded', () => {
    const headers = recordsHeaders([
      { key: key('user:1'), place: place('redis.0', 1234) },
      { key: key('\xff, ;='), place: undefined },
    ]);
    expect(headers).toEqual({ 'keyferry-records': 'redis.0/3@1234;key=user%3A1, acknowledged;key=%FF%2C%20%3B%3D' });
  });

  it('end where there is no room, with a count of what is left out', () => {
    const one = { key: key('k'.repeat(5_000)), place: place('t', 1) };
    expect(recordsHeaders([one, one, one])).toEqual({
      'keyferry-records': `t/3@1;key=${'k'.repeat(5_000)}`,
      'keyferry-records-left-out': '2',
    });
    expect(recordsHeaders([{ ...one, key: key('k'.repeat(9_000)) }])).toEqual({
      'keyferry-records': '',
      'keyferry-records-left-out': '1',
    });
  });
});

describe('keys that several sources carry', () => {
  it('are acknowledged when all of them have, in the order of the keys', async () => {
    const [all, users] = [new ScriptedSource('all', ''), new ScriptedSource('users', 'user')];
    const followed = new SourcesMirror([all, users]).follow(0, [key('b'), key('user1')]) as FollowedKeys;
    let isDone = false;
    const acknowledged = followed.acknowledged().finally(() => (isDone = true));
    all.acknowledge();
    await new Promise((resolve) => setImmediate(resolve));
    expect(isDone).toBe(false);
    users.acknowledge();
    expect((await acknowledged).map((each) => [each.key, each.place?.topic])).toEqual([
      ['b', 'all'],
      ['user1', 'all'],
      ['user1', 'users'],
    ]);
    followed.release();
    expect([all.followers, users.followers]).toEqual([0, 0]);
  });

  it('are not followed at all where one of them is carried by none, or one source is not running', () => {
    const [all, users] = [new ScriptedSource('all', 'a'), new ScriptedSource('users', 'a')];
    const mirror = new SourcesMirror([all, users]);
    expect(mirror.follow(0, [key('a'), key('b')])).toEqual({
      when: 'never',
      reason: 'no source carries "b" of database 0',
    });
    expect(mirror.follow(1, [key('a')])).toMatchObject({ when: 'never' });
    users.isRunning = false;
    expect(mirror.follow(0, [key('a')])).toEqual({
      when: 'not-yet',
      reason: 'source users does not mirror just now',
    });
    expect(all.followers).toBe(0);
  });
});

describe('waiting', () => {
  const setUp = () => {
    const clock = new FakeClock();
    const source = new ScriptedSource('all', '');
    const waits = new Acknowledgements({ mirror: new SourcesMirror([source]), db: 0, clock });
    return { clock, source, waits };
  };

  it('ends with the places, or without them when the time is up', async () => {
    const { clock, source, waits } = setUp();
    const followed = waits.follow([key('a')]);
    const early = waits.wait(followed, { timeoutMs: 100 });
    await clock.advance(100);
    expect(await early).toBeUndefined();
    const late = waits.wait(followed, { timeoutMs: 100 });
    source.acknowledge();
    expect(await late).toHaveLength(1);
    followed.release();
  });

  it('ends at once when the daemon stops, and nobody begins to wait then', async () => {
    const { waits } = setUp();
    const waiting = waits.wait(waits.follow([key('a')]), { timeoutMs: 100 });
    waits.close();
    expect(await waiting).toBeUndefined();
    expect(() => waits.follow([key('b')])).toThrow(/^UNAVAILABLE/);
  });

  it('is for a bounded number of keys, and there is room again when they are released (I9)', () => {
    const { waits } = setUp();
    const many = Array.from({ length: 60_000 }, (_, n) => key(`k${n}`));
    const first = waits.follow(many);
    expect(() => waits.follow(many)).toThrow(/nothing was written/);
    first.release();
    waits.follow(many).release();
  });
});
