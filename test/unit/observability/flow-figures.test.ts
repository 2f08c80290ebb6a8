import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../../src/observability/create-metrics.ts';
import { FlowFigures } from '../../../src/observability/flow-figures.ts';
import { quantile } from '../../../src/observability/quantile.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const fixture = () => {
  const clock = new FakeClock();
  const metrics = createMetrics();
  const figures = new FlowFigures({ metrics, clock });
  const read = async (kind: 'source' | 'sink', name: string) => (await figures.read())({ kind, name });
  return { clock, metrics, figures, read };
};

describe('the figures of a flow', () => {
  it('are counted by what became of its records, each once', async () => {
    const { metrics, read } = fixture();
    const keys = metrics.source('a');
    keys.published('set', 3);
    keys.published('del', 1);
    keys.unchanged(5);
    keys.filtered(7);
    const stream = metrics.streamSource('s');
    stream.entries('published', 2);
    stream.entries('dead-lettered', 1);
    stream.deadLetters(1);
    metrics.listSource('l').items('published', 4);
    const sink = metrics.sink('a');
    for (const outcome of ['applied', 'superseded', 'repeated', 'empty', 'own', 'reserved', 'dead-lettered'] as const)
      sink.records(outcome, 1);
    sink.deadLetters(1);
    expect(await read('source', 'a')).toMatchObject({ records: 4, unchanged: 5, filtered: 7, deadLetters: 0 });
    expect(await read('source', 's')).toMatchObject({ records: 2, deadLetters: 1 });
    expect(await read('source', 'l')).toMatchObject({ records: 4 });
    expect(await read('sink', 'a')).toMatchObject({ records: 2, unchanged: 1, filtered: 3, deadLetters: 1 });
    expect(await read('sink', 'none')).toBeUndefined();
  });

  it('tell the rate of the last ten seconds, and nothing of what came before', async () => {
    const { clock, metrics, figures, read } = fixture();
    const source = metrics.source('a');
    figures.watch();
    await clock.advance(1_000);
    source.published('set', 500);
    await clock.advance(4_000);
    expect((await read('source', 'a'))?.now.perSecond).toBe(100);
    await clock.advance(5_000);
    expect((await read('source', 'a'))?.now.perSecond).toBe(50);
    await clock.advance(2_000);
    expect((await read('source', 'a'))?.now).toEqual({ perSecond: 0, p50Ms: null, p99Ms: null });
    expect((await read('source', 'a'))?.records).toBe(500);
  });

  it('tell how long what passed in the last ten seconds took', async () => {
    const { clock, metrics, figures, read } = fixture();
    const source = metrics.source('a');
    figures.watch();
    for (let at = 0; at < 100; at += 1) source.endToEnd(30);
    await clock.advance(12_000);
    for (let at = 0; at < 98; at += 1) source.endToEnd(0.001);
    for (let at = 0; at < 2; at += 1) source.endToEnd(0.9);
    const { p50Ms, p99Ms } = (await read('source', 'a'))?.now ?? {};
    expect(p50Ms).toBeLessThanOrEqual(1);
    expect(p99Ms).toBeGreaterThan(500);
    expect(p99Ms).toBeLessThanOrEqual(1_000);
  });

  it('can be read when nobody watches them any more', async () => {
    const { clock, metrics, figures, read } = fixture();
    const stop = figures.watch();
    metrics.source('a').published('set', 10);
    await clock.advance(1_000);
    stop();
    await clock.advance(60_000);
    expect((await read('source', 'a'))?.records).toBe(10);
  });
});

describe('a quantile', () => {
  const buckets = [
    { bound: 1, count: 10 },
    { bound: 2, count: 20 },
    { bound: Infinity, count: 20 },
  ];
  it.each([
    [0.25, 0.5],
    [0.5, 1],
    [0.75, 1.5],
    [1, 2],
  ])('at %d is %d', (share, found) => {
    expect(quantile(buckets, share)).toBeCloseTo(found);
  });

  it('beyond the last bound is that bound, and of nothing it is none', () => {
    expect(
      quantile(
        [
          { bound: 1, count: 1 },
          { bound: Infinity, count: 100 },
        ],
        0.99,
      ),
    ).toBe(1);
    expect(
      quantile(
        [
          { bound: 1, count: 0 },
          { bound: Infinity, count: 0 },
        ],
        0.5,
      ),
    ).toBeUndefined();
    expect(quantile([], 0.5)).toBeUndefined();
  });
});
