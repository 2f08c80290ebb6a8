import { describe, expect, it } from 'vitest';
import { KeyferryError } from '../../../src/core/errors.ts';
import type { Found } from '../../../src/redis-to-kafka/converge/key-source.ts';
import { hash, key, setUp, string } from './converger-fixture.ts';

describe('converger', () => {
  it('publishes a new state, and an equal one not again', async () => {
    const { keys, touch, settled, log, end } = setUp();
    keys.states.set('a', string('1'));
    touch('a');
    await settled();
    touch('a');
    await settled();
    await end();
    expect(log).toEqual(['a={"type":"string","value":"1"}']);
    expect(keys.reads).toHaveLength(2);
  });

  it('publishes an equal state again where a snapshot asks for it', async () => {
    const { keys, touch, pending, settled, log, end } = setUp();
    keys.states.set('a', string('1'));
    touch('a');
    await settled();
    pending.touchInBackground(key('a'), 'del', 1, true);
    pending.touchInBackground(key('gone'), 'del', 1, true);
    await settled();
    await end();
    expect(log).toEqual(['a={"type":"string","value":"1"}', 'a={"type":"string","value":"1"}']);
  });

  it('reads nothing while it is paused, and everything that waits once it is resumed', async () => {
    const { keys, touch, pause, wakeup, settled, turns, log, end } = setUp();
    pause.set(true);
    keys.states.set('a', string('1'));
    touch('a');
    keys.states.set('a', string('2'));
    touch('a');
    await turns(20);
    expect([keys.reads, log]).toEqual([[], []]);
    pause.set(false);
    wakeup.notify();
    await settled();
    await end();
    expect(log).toEqual(['a={"type":"string","value":"2"}']);
  });

  it('lets others pass while a large key is read, one large key at a time, each in the order of its states', async () => {
    const { keys, touch, settled, turns, log, end } = setUp();
    const reading = new Map<string, (found: Found) => void>();
    const large = (name: string) => () => new Promise<Found>((resolve) => reading.set(name, resolve));
    for (const name of ['l1', 'l2']) keys.states.set(name, large(name));
    for (const name of ['a', 'b']) keys.states.set(name, string(name));
    for (const name of ['l1', 'l2', 'a']) touch(name);
    await turns(20);
    touch('b');
    touch('l1');
    await turns(20);
    expect(log).toEqual(['a={"type":"string","value":"a"}', 'b={"type":"string","value":"b"}']);
    expect([...reading.keys()]).toEqual(['l1']);
    expect(keys.reads.flat().filter((name) => name === 'l1')).toHaveLength(1);
    keys.states.set('l1', string('second'));
    reading.get('l1')?.(string('first'));
    await turns(20);
    expect([...reading.keys()]).toEqual(['l1', 'l2']);
    reading.get('l2')?.(undefined);
    await settled();
    await end();
    expect(log.slice(2)).toEqual(['l1={"type":"string","value":"first"}', 'l1={"type":"string","value":"second"}']);
  });

  it('tries a large key again that could not be read, and begins none once it is stopped', async () => {
    const { keys, touch, settled, turns, log, end } = setUp();
    keys.states.set('l', () => Promise.resolve(new Error('away')));
    touch('l');
    await turns(20);
    keys.states.set('l', () => Promise.resolve(string('1')));
    await settled();
    expect(log).toEqual(['l={"type":"string","value":"1"}']);
    let begun = 0;
    const endless = (): Promise<Found> => {
      begun += 1;
      return new Promise((resolve) => setImmediate(resolve, undefined));
    };
    for (const name of ['x', 'y']) keys.states.set(name, endless);
    keys.during = () => void end();
    touch('x');
    touch('y');
    await turns(20);
    await end();
    expect(keys.reads.at(-1)).toEqual(['x', 'y']);
    expect(begun).toBe(0);
  });

  it('writes no record for an absent key that the topic does not know', async () => {
    const { touch, settled, log, end } = setUp();
    touch('never-seen', 'expired');
    await settled();
    await end();
    expect(log).toEqual([]);
  });

  it.each(['del', 'expired', 'evicted'] as const)('writes a tombstone that says %s', async (op) => {
    const { keys, touch, settled, log, end } = setUp();
    keys.states.set('a', string('1'));
    touch('a');
    await settled();
    keys.states.delete('a');
    touch('a', op);
    await settled();
    touch('a', op);
    await settled();
    await end();
    expect(log.slice(1)).toEqual([`a=${op}`]);
  });

  it('does not resurrect a key that was deleted while it was read', async () => {
    const { keys, touch, settled, log, end } = setUp();
    keys.states.set('a', string('1'));
    touch('a');
    keys.during = () => {
      keys.during = () => undefined;
      keys.states.delete('a');
      touch('a', 'del');
    };
    await settled();
    await end();
    expect(log).toEqual(['a={"type":"string","value":"1"}', 'a=del']);
  });

  it('does not read a key again before Kafka has acknowledged its record (I2, I4)', async () => {
    const { keys, published, touch, turns, settled, log, kafka, end } = setUp();
    let acknowledge = (): void => undefined;
    kafka.hold = new Promise((resolve) => (acknowledge = resolve));
    keys.states.set('a', string('1'));
    touch('a');
    await turns(10);
    keys.states.set('a', string('2'));
    touch('a');
    await turns(10);
    expect(keys.reads).toEqual([['a']]);
    expect(published.states.size).toBe(0);
    acknowledge();
    await settled();
    await end();
    expect(log).toEqual(['a={"type":"string","value":"1"}', 'a={"type":"string","value":"2"}']);
  });

  it('publishes the last of two changes of type between notification and read', async () => {
    const { keys, touch, settled, log, end } = setUp();
    keys.states.set('a', string('1'));
    touch('a');
    touch('a');
    keys.states.set('a', hash());
    await settled();
    await end();
    expect(log).toEqual(['a={"type":"hash","value":{"f":"v"}}']);
  });

  it('publishes a change of expiry alone', async () => {
    const { keys, touch, settled, log, end } = setUp();
    for (const expireAt of [undefined, 2_000_000_000_000, 2_000_000_000_001, undefined]) {
      keys.states.set('a', string('1', expireAt));
      touch('a');
      await settled();
    }
    await end();
    expect(log).toHaveLength(4);
  });

  it('says expired of a key that went unseen after its expiry, and del of one that went before', async () => {
    const { keys, touch, settled, log, clock, end } = setUp();
    keys.states.set('a', string('1', clock.now() + 1_000));
    keys.states.set('b', string('1', clock.now() + 1_000_000));
    touch('a');
    touch('b');
    await settled();
    keys.states.clear();
    await clock.advance(2_000);
    touch('a');
    touch('b');
    await settled();
    await end();
    expect(log.slice(2).sort()).toEqual(['a=expired', 'b=del']);
  });

  it('leaves out a value above the limit, and tells of each of its changes that were seen', async () => {
    const { keys, touch, settled, log, end } = setUp();
    keys.states.set('a', string('x'.repeat(300)));
    touch('a');
    await settled();
    touch('a');
    await settled();
    await end();
    const omitted = 'a={"type":"string","omitted":true,"bytes":328}';
    expect(log).toEqual([omitted, omitted]);
  });

  it('leaves a tombstone on the topic that a key left when its type changed', async () => {
    const { keys, touch, settled, log, end } = setUp('by-type.{type}');
    keys.states.set('a', string('1'));
    touch('a');
    await settled();
    keys.states.set('a', hash());
    touch('a');
    await settled();
    keys.states.delete('a');
    touch('a');
    await settled();
    await end();
    expect(log).toEqual([
      'by-type.string a={"type":"string","value":"1"}',
      'by-type.string a=del',
      'by-type.hash a={"type":"hash","value":{"f":"v"}}',
      'by-type.hash a=del',
    ]);
  });

  it('asks again for keys that a read had no room for', async () => {
    const { keys, touch, settled, log, end } = setUp();
    keys.states.set('a', 'later');
    touch('a');
    keys.during = () => {
      keys.states.set('a', string('1'));
    };
    await settled();
    await end();
    expect(log).toEqual(['a={"type":"string","value":"1"}']);
  });

  it('loses nothing when Redis goes away during a read', async () => {
    const { keys, touch, settled, log, end } = setUp();
    keys.states.set('a', new KeyferryError('KF_REDIS_UNAVAILABLE', 'away'));
    keys.during = () => {
      keys.states.set('a', string('1'));
    };
    touch('a');
    await settled();
    await end();
    expect(log).toEqual(['a={"type":"string","value":"1"}']);
    expect(keys.reads).toEqual([['a'], ['a']]);
  });

  it('goes on with the keys of other masters while one is away', async () => {
    const { keys, touch, turns, pending, log, end } = setUp();
    keys.states.set('away', new KeyferryError('KF_REDIS_UNAVAILABLE', 'away'));
    touch('away');
    for (const name of ['a', 'b']) {
      keys.states.set(name, string('1'));
      touch(name);
    }
    await turns(10);
    expect(log).toEqual(['a={"type":"string","value":"1"}', 'b={"type":"string","value":"1"}']);
    expect(pending.size).toBe(1);
    await end();
  });

  it('counts records by what they say', async () => {
    const { keys, touch, settled, counted, end } = setUp();
    for (const name of ['a', 'b', 'c']) {
      keys.states.set(name, string('1'));
      touch(name);
    }
    await settled();
    keys.states.delete('a');
    touch('a', 'evicted');
    await settled();
    await end();
    expect(Object.fromEntries(counted)).toEqual({ set: 3, evicted: 1 });
  });
});
