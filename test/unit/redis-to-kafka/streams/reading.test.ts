import { describe, expect, it } from 'vitest';
import { keyName } from '../../../../src/core/key-name.ts';
import { type ReadEntry, Reading } from '../../../../src/redis-to-kafka/streams/reading.ts';

const entry = (id: string): ReadEntry => ({ id, fields: [Buffer.from('f'), Buffer.from('v')] });
const gone = (id: string): ReadEntry => ({ id, fields: undefined });
const start = (): Reading => new Reading(keyName(Buffer.from('orders')), 'topic');
const idsOf = (entries: readonly ReadEntry[]): string[] => entries.map(({ id }) => id);

/** A reading that has gone through its own pending entries. */
const caughtUp = (): Reading => {
  const reading = start();
  reading.nextFrom();
  reading.take([]);
  return reading;
};

describe('the reading of a stream', () => {
  it('goes through its own pending entries first, from page to page, and then reads what is new', () => {
    const reading = start();
    expect(reading.nextFrom()).toBe('0-0');
    reading.take([entry('1-1'), entry('1-2')]);
    expect(reading.nextFrom()).toBe('1-2');
    reading.take([entry('1-3')]);
    expect(reading.nextFrom()).toBe('1-3');
    reading.take([]);
    expect(reading.nextFrom()).toBe('>');
    reading.take([entry('2-1')]);
    expect(reading.nextFrom()).toBe('>');
  });

  it('does not carry an entry again that is in flight, when it goes back to its pending ones', () => {
    const reading = caughtUp();
    expect(idsOf(reading.take([entry('1-1'), entry('1-2')]).fresh)).toEqual(['1-1', '1-2']);
    reading.recover();
    expect(reading.nextFrom()).toBe('0-0');
    expect(idsOf(reading.take([entry('1-1'), entry('1-2'), entry('1-3')]).fresh)).toEqual(['1-3']);
  });

  it('goes back even when that is asked for during a read, whose entries it keeps', () => {
    const reading = caughtUp();
    expect(reading.nextFrom()).toBe('>');
    reading.recover();
    expect(idsOf(reading.take([entry('1-1')]).fresh)).toEqual(['1-1']);
    expect(reading.nextFrom()).toBe('0-0');
  });

  it('carries what it acknowledged once more, should Redis hand it out again', () => {
    const reading = caughtUp();
    reading.take([entry('1-1')]);
    reading.forget(reading.land(['1-1']));
    expect(reading.isInFlight('1-1')).toBe(false);
    expect(idsOf(reading.take([entry('1-1')]).fresh)).toEqual(['1-1']);
  });

  it('acknowledges an entry only when its last copy has landed: an old one may be of another entry', () => {
    const reading = caughtUp();
    reading.take([entry('1-1')]);
    reading.take([entry('1-1')]);
    expect(reading.land(['1-1'])).toEqual([]);
    expect(reading.land(['1-1'])).toEqual(['1-1']);
  });

  it('tells entries that were deleted apart, and those that it has in flight are none of them', () => {
    const reading = start();
    reading.nextFrom();
    const { fresh, deleted } = reading.take([entry('1-1'), gone('1-2')]);
    expect(idsOf(fresh)).toEqual(['1-1']);
    expect(deleted).toEqual(['1-2']);
    reading.recover();
    reading.nextFrom();
    expect(reading.take([gone('1-1'), gone('1-2')])).toEqual({ fresh: [], deleted: [] });
  });
});
