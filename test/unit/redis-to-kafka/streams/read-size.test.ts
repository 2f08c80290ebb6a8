import { describe, expect, it } from 'vitest';
import { ReadSize } from '../../../../src/redis-to-kafka/streams/read-size.ts';

const BATCH = 500;
/** Reads one stream that has no end of entries of a size. */
const readFull = (size: ReadSize, bytesEach: number, streams = 1): number => {
  const count = size.for(streams);
  const entries = count * streams;
  size.saw({ count, entries, bytes: entries * bytesEach, isFull: true });
  return count;
};

describe('the size of a read', () => {
  it('grows to the batch while there is more than was asked for', () => {
    const size = new ReadSize(BATCH);
    expect([1, 2, 3, 4, 5].map(() => readFull(size, 300))).toEqual([100, 200, 400, 500, 500]);
  });

  it('stays where it is while streams are read to their end', () => {
    const size = new ReadSize(BATCH);
    size.saw({ count: 100, entries: 3, bytes: 900, isFull: false });
    expect(size.for(1)).toBe(100);
  });

  it('shrinks to what a reply may hold when entries are large, and grows again after them', () => {
    const size = new ReadSize(BATCH);
    readFull(size, 100_000);
    expect(size.for(1)).toBe(10);
    readFull(size, 20_000_000);
    expect(size.for(1)).toBe(1);
    for (let reads = 0; reads < 12; reads += 1) readFull(size, 300);
    expect(size.for(1)).toBe(BATCH);
  });

  it('shares a reply among many streams, each of which gives at least one', () => {
    const size = new ReadSize(BATCH);
    expect(size.for(1_000)).toBe(20);
    expect(size.for(1_000_000)).toBe(1);
    readFull(size, 300, 1_000);
    expect(size.for(1)).toBe(2);
  });

  it('never exceeds a small batch', () => {
    const size = new ReadSize(7);
    for (let reads = 0; reads < 5; reads += 1) expect(readFull(size, 10)).toBe(7);
  });
});
