import { describe, expect, it } from 'vitest';
import { type AuditTotals, KeyspaceAudit, type Verdict } from '../../../src/cli/verify/keyspace-audit.ts';
import { fingerprintOf } from '../../../src/codecs/fingerprint.ts';
import { encodeState } from '../../../src/codecs/key-record.ts';
import { type KeyName, keyName } from '../../../src/core/key-name.ts';
import type { KeyState } from '../../../src/core/key-state.ts';
import { omit } from '../../../src/redis-to-kafka/converge/change-detection.ts';
import type { Found } from '../../../src/redis-to-kafka/converge/key-source.ts';
import type { PublishedState } from '../../../src/state-store/published-states.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const key = (text: string): KeyName => keyName(Buffer.from(text));
const string = (text: string, expireAt?: number): KeyState => ({
  value: { type: 'string', value: Buffer.from(text) },
  expireAt,
});
const published = (state: KeyState): PublishedState => ({
  fingerprint: fingerprintOf(encodeState(state, 'json'), state.expireAt),
  redisType: 'string',
  expireAt: state.expireAt,
});

/** A Redis and a topic as plain maps. */
class World {
  readonly redis = new Map<KeyName, KeyState>();
  readonly topic = new Map<KeyName, PublishedState>();
  readonly clock = new FakeClock();
  readonly verdicts: string[] = [];
  maxValueBytes = 1_000;
  /** Called for every read of keys: changes that happen meanwhile. */
  onRead: (turn: number) => void = () => undefined;
  #turn = 0;

  both(name: string, state: KeyState): void {
    this.redis.set(key(name), state);
    this.topic.set(key(name), published(state));
  }

  async audit(): Promise<AuditTotals> {
    const audit = new KeyspaceAudit({
      topic: {
        get: (name) => this.topic.get(name),
        keys: (after, limit) => {
          const all = [...this.topic.keys()];
          const start = after === undefined ? 0 : all.indexOf(after) + 1;
          return all.slice(start, start + limit);
        },
      },
      readOn: () => Promise.resolve(),
      keys: {
        readAll: (names) => {
          this.#turn += 1;
          this.onRead(this.#turn);
          // One key of a batch has to wait, as large ones do.
          const found = names.map((name, at): Found => (at === 1 ? 'later' : this.redis.get(name)));
          return Promise.resolve(found);
        },
        exist: (names) => Promise.resolve(names.map((name) => this.redis.has(name))),
      },
      scan: () => [[...this.redis.keys()]],
      accepts: (name) => !name.startsWith('private:'),
      format: 'json',
      maxValueBytes: this.maxValueBytes,
      clock: this.clock,
      onVerdict: (name: KeyName, verdict: Verdict) => this.verdicts.push(`${verdict} ${name}`),
    });
    const totals = audit.run();
    await this.clock.advance(10_000);
    return totals;
  }
}

describe('the audit of a keyspace', () => {
  it('finds nothing where Redis and the topic agree, and counts both', async () => {
    const world = new World();
    for (let at = 0; at < 1_200; at += 1) world.both(`k${at}`, string(`v${at}`, at % 2 === 0 ? undefined : at));
    expect(await world.audit()).toEqual({ keysInRedis: 1_200, keysOnTopic: 1_200 });
    expect(world.verdicts).toEqual([]);
  });

  it('tells missing, stale and extra keys apart', async () => {
    const world = new World();
    world.both('same', string('v'));
    world.redis.set(key('missing'), string('v'));
    world.both('stale', string('old'));
    world.redis.set(key('stale'), string('new'));
    world.both('stale expiry', string('v', 1));
    world.redis.set(key('stale expiry'), string('v', 2));
    world.both('extra', string('v'));
    world.redis.delete(key('extra'));
    await world.audit();
    expect(world.verdicts.sort()).toEqual(['extra extra', 'missing missing', 'stale stale', 'stale stale expiry']);
  });

  it('looks at the keys only that the source carries', async () => {
    const world = new World();
    world.redis.set(key('private:a'), string('v'));
    world.topic.set(key('private:b'), published(string('v')));
    expect(await world.audit()).toEqual({ keysInRedis: 0, keysOnTopic: 0 });
    expect(world.verdicts).toEqual([]);
  });

  it('clears a key whose record arrives while it looks again', async () => {
    const world = new World();
    world.redis.set(key('late'), string('v'));
    world.onRead = (turn) => {
      if (turn === 2) world.topic.set(key('late'), published(string('v')));
    };
    await world.audit();
    expect(world.verdicts).toEqual([]);
  });

  it('clears a key that changed once more, when the topic has what it held before', async () => {
    const world = new World();
    world.redis.set(key('hot'), string('1'));
    world.onRead = (turn) => {
      if (turn === 3) world.redis.set(key('hot'), string('2'));
      if (turn === 2) world.topic.set(key('hot'), published(string('1')));
    };
    await world.audit();
    expect(world.verdicts).toEqual([]);
  });

  it('says of a key that kept changing that it kept changing', async () => {
    const world = new World();
    world.both('hot', string('0'));
    world.onRead = (turn) => world.redis.set(key('hot'), string(String(turn)));
    await world.audit();
    expect(world.verdicts).toEqual(['changing hot']);
  });

  it('clears a key that was deleted meanwhile, on both sides', async () => {
    const world = new World();
    world.both('gone', string('old'));
    world.redis.set(key('gone'), string('new'));
    world.onRead = (turn) => {
      if (turn < 3) return;
      world.redis.delete(key('gone'));
      world.topic.delete(key('gone'));
    };
    await world.audit();
    expect(world.verdicts).toEqual([]);
  });

  it('takes a value that was left out for what it is: above the limit, or refused by the broker', async () => {
    const world = new World();
    world.maxValueBytes = 100;
    const large = string('x'.repeat(200));
    const refused = string('y'.repeat(50));
    for (const [name, state] of [
      ['large', large],
      ['refused', refused],
    ] as const) {
      world.redis.set(key(name), state);
      world.topic.set(key(name), published(omit(state, encodeState(state, 'json').length)));
    }
    await world.audit();
    expect(world.verdicts).toEqual([]);
  });
});
