import { beforeEach, describe, expect, it } from 'vitest';
import { ALL_SLOTS } from '../../../src/clients/redis/fixed-topology.ts';
import type { SlotRange } from '../../../src/clients/redis/port.ts';
import { slotOf } from '../../../src/clients/redis/cluster/slots.ts';
import { Wakeup } from '../../../src/core/wakeup.ts';
import { keyBytes, keyName } from '../../../src/core/key-name.ts';
import { PendingKeys } from '../../../src/redis-to-kafka/converge/pending-keys.ts';
import { Reconciler } from '../../../src/redis-to-kafka/converge/reconciler.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { MemoryStates } from '../../support/memory-states.ts';
import { ScriptedRedis } from './scripted-redis.ts';

const nothing = (): undefined => undefined;
const key = (name: string) => keyName(Buffer.from(name));

describe('a reconcile of a Redis that holds nothing', () => {
  let pending: PendingKeys;
  let clock: FakeClock;

  beforeEach(() => {
    clock = new FakeClock();
    pending = new PendingKeys({ maxBytes: 1_000_000, work: new Wakeup() });
  });

  const reconcile = (slots: readonly SlotRange[] = ALL_SLOTS): Promise<number | undefined> =>
    new Reconciler({
      redis: new ScriptedRedis().connect(),
      slots,
      keys: { read: () => Promise.reject(new Error('not here')), exist: () => Promise.resolve([]) },
      pending,
      published: new MemoryStates(),
      accepts: () => true,
      clock,
      onKeys: nothing,
      onTouched: nothing,
      signal: new AbortController().signal,
    }).run({ goneOp: 'flushed' });

  it('has a key read again whose first record was on its way when it began: nobody else knows it (I3)', async () => {
    pending.touch(key('a'), 'del', 0);
    const before = pending.take(10, 'all');
    let ended = false;
    const run = reconcile().then(() => (ended = true));
    await clock.advance(1_000);
    expect(ended).toBe(false);
    pending.settle(key('a'), before.touches[0] ?? expect.fail());
    const again = pending.take(10, 'all');
    expect(again).toMatchObject({ keys: ['a'], touches: [{ goneOp: 'flushed' }] });
    await clock.advance(1_000);
    expect(ended).toBe(false);
    pending.settle(key('a'), again.touches[0] ?? expect.fail());
    await run;
  });

  it('does not wait for a key on its way that another master has', async () => {
    pending.touch(key('a'), 'del', 0);
    pending.take(10, 'all');
    const slot = slotOf(keyBytes(key('a')));
    expect(await reconcile([{ first: slot + 1, last: slot + 1 }])).toBe(0);
  });
});
