import { describe, expect, it } from 'vitest';
import type { ClosedGap, Gap } from '../../../src/core/gap.ts';
import { GapBook } from '../../../src/redis-to-kafka/converge/gap-book.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const book = () => {
  const opened: Gap[] = [];
  const closed: ClosedGap[] = [];
  const clock = new FakeClock();
  const listener = { opened: (gap: Gap) => void opened.push(gap), closed: (gap: ClosedGap) => void closed.push(gap) };
  return { opened, closed, clock, gaps: new GapBook({ scope: 'all db0', clock, listener }) };
};

describe('gap book', () => {
  it('opens one gap a cause, with its scope and time', () => {
    const { gaps, opened, clock } = book();
    gaps.miss('feed-lost');
    gaps.miss('feed-lost');
    expect(opened).toEqual([{ cause: 'feed-lost', scope: 'all db0', openedAt: clock.now() }]);
  });

  it('closes a gap with the reconcile that began after it, and tells how long it was (I3)', async () => {
    const { gaps, closed, clock } = book();
    gaps.miss('feed-lost');
    const openedAt = clock.now();
    const number = gaps.beginReconcile();
    await clock.advance(500);
    gaps.reconciled(number);
    expect(gaps.isOpen).toBe(false);
    expect(closed).toEqual([{ cause: 'feed-lost', scope: 'all db0', openedAt, closedAt: openedAt + 500 }]);
  });

  it('keeps a gap open that opened while the reconcile ran (I3)', () => {
    const { gaps } = book();
    const number = gaps.beginReconcile();
    gaps.miss('flush');
    gaps.reconciled(number);
    expect(gaps.isOpenFor('flush')).toBe(true);
  });

  it('keeps a gap open of which more was missed while the reconcile ran (I3)', () => {
    const { gaps } = book();
    gaps.miss('pending-overflow');
    const number = gaps.beginReconcile();
    gaps.miss('pending-overflow');
    gaps.reconciled(number);
    expect(gaps.isOpen).toBe(true);
    gaps.reconciled(gaps.beginReconcile());
    expect(gaps.isOpen).toBe(false);
  });

  it('remembers the latest closed gaps, newest first', () => {
    const { gaps } = book();
    for (let n = 0; n < 60; n += 1) {
      gaps.miss(n % 2 === 0 ? 'flush' : 'feed-lost');
      gaps.reconciled(gaps.beginReconcile());
    }
    expect(gaps.closed).toHaveLength(50);
    expect(gaps.closed[0]?.cause).toBe('feed-lost');
  });

  it('keeps a gap that came with keys of another master open, with its own time, until a reconcile that begins then (I3)', () => {
    const { gaps, opened, closed } = book();
    const before = gaps.beginReconcile();
    const gap: Gap = { cause: 'feed-lost', scope: 'all elsewhere', openedAt: 5 };
    gaps.adopt(gap);
    gaps.reconciled(before);
    expect(gaps.open).toEqual([gap]);
    gaps.reconciled(gaps.beginReconcile());
    expect(gaps.isOpen).toBe(false);
    // It was told of when it opened, elsewhere.
    expect(opened).toEqual([]);
    expect(closed).toMatchObject([gap]);
  });

  it('keeps its own gap past the reconcile under way where another master brings one of the same cause (I3)', () => {
    const { gaps } = book();
    gaps.miss('feed-lost');
    const number = gaps.beginReconcile();
    gaps.adopt({ cause: 'feed-lost', scope: 'all elsewhere', openedAt: 5 });
    gaps.reconciled(number);
    expect(gaps.isOpenFor('feed-lost')).toBe(true);
  });
});
