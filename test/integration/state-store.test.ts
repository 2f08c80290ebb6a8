import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import type { KeyName } from '../../src/core/key-name.ts';
import { LmdbStateStore } from '../../src/state-store/lmdb-state-store.ts';
import type { PublishedStates } from '../../src/state-store/published-states.ts';

const key = (name: string): KeyName => name as KeyName;
const state = (fingerprint: bigint) => ({ fingerprint, redisType: 'hash', expireAt: undefined });

describe('state store', () => {
  let path: string;
  let stores: LmdbStateStore[];

  const open = (name = 'all/0'): { store: LmdbStateStore; published: PublishedStates } => {
    const store = new LmdbStateStore({ path, clock: systemClock });
    stores.push(store);
    return { store, published: store.published(name) };
  };
  const close = async (store: LmdbStateStore): Promise<void> => {
    stores = stores.filter((other) => other !== store);
    await store.close();
  };
  const allKeys = (published: PublishedStates, chunk: number): readonly string[] => {
    const found: string[] = [];
    for (let keys = published.keys(undefined, chunk); keys.length > 0; keys = published.keys(keys.at(-1), chunk)) {
      found.push(...keys);
    }
    return found.sort();
  };

  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'keyferry-store-'));
    stores = [];
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await rm(path, { recursive: true });
  });

  it('gives back what it was told, before and after a restart', async () => {
    const first = open();
    const told = { fingerprint: 0xffff_ffff_ffff_fffen, redisType: 'ReJSON-RL', expireAt: 1_795_239_060_027 };
    first.published.remember([{ key: key('a\0\xff'), state: told }], []);
    expect(first.published.get(key('a\0\xff'))).toEqual(told);
    await close(first.store);
    const { published } = open();
    expect(published.get(key('a\0\xff'))).toEqual(told);
    expect(published.get(key('b'))).toBeUndefined();
  });

  it('forgets a key at its tombstone', async () => {
    const first = open();
    first.published.remember([{ key: key('a'), state: state(1n) }], []);
    first.published.remember([{ key: key('a'), state: undefined }], []);
    expect(first.published.get(key('a'))).toBeUndefined();
    await close(first.store);
    expect(open().published.get(key('a'))).toBeUndefined();
  });

  it('keeps positions beside the states', async () => {
    const first = open();
    const position = { topic: 't.x', partition: 3, offset: 2n ** 60n };
    first.published.remember([], [position, { topic: 't', partition: 0, offset: 5n }]);
    first.published.remember([], [{ topic: 't', partition: 0, offset: 9n }]);
    await close(first.store);
    const { published } = open();
    expect(published.positions()).toHaveLength(2);
    expect(published.positions()).toContainEqual(position);
    expect(published.positions()).toContainEqual({ topic: 't', partition: 0, offset: 9n });
  });

  it.each([1, 7, 100])('walks over all keys, %i at a time, the empty one and very long ones among them', (chunk) => {
    const { published } = open();
    const names = ['', 'a', 'a\0', '\xff', 'x'.repeat(1_900), 'x'.repeat(1_901), `${'x'.repeat(5_000)}y`];
    for (let n = 0; n < 40; n += 1) names.push(`key:${n}`);
    published.remember(
      names.map((name) => ({ key: key(name), state: state(7n) })),
      [],
    );
    expect(allKeys(published, chunk)).toEqual([...names].sort());
    expect(published.count()).toBe(names.length);
    for (const name of names) expect(published.get(key(name))).toEqual(state(7n));
  });

  it('keeps the databases of a source apart', () => {
    const { store, published } = open();
    const other = store.published('all/1');
    published.remember([{ key: key('a'), state: state(1n) }], []);
    expect(other.get(key('a'))).toBeUndefined();
  });

  it('gives out one view of a database, however often it is asked, so that none is behind another', () => {
    const { store, published } = open();
    published.remember([{ key: key('a'), state: state(1n) }], []);
    const again = store.published('all/0');
    again.remember([{ key: key('a'), state: state(2n) }], []);
    expect(published.get(key('a'))).toEqual(state(2n));
  });

  it('knows nothing after clear', async () => {
    const first = open();
    first.published.remember([{ key: key('a'), state: state(1n) }], [{ topic: 't', partition: 0, offset: 9n }]);
    first.published.clear();
    await close(first.store);
    const { published } = open();
    expect(published.count()).toBe(0);
    expect(published.positions()).toEqual([]);
  });

  it('says where the trouble is when its path cannot be used', () => {
    expect(() => new LmdbStateStore({ path: '/dev/null/store', clock: systemClock })).toThrow(/\/dev\/null\/store/);
  });
});
