import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { PageFixture } from './page-fixture.ts';

const COLORS = ['--throughput', '--latency'];

/**
 * In the page: how high the line of each chart of a card reaches, as a share of its canvas; 0 where nothing has the
 * line's colour. The area below a line is too faint to count.
 */
const heightsOf = (
  card: string,
): string => `[...document.querySelectorAll('[aria-label="${card}"] canvas')].map((canvas, index) => {
  const color = getComputedStyle(document.documentElement).getPropertyValue(${JSON.stringify(COLORS)}[index]).trim();
  const wanted = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  // Of a copy: a canvas that is read becomes a slow one.
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < data.length; at += 4) {
    const isLine = data[at + 3] > 128 && wanted.every((part, channel) => Math.abs(part - data[at + channel]) < 12);
    if (isLine) return 1 - Math.floor(at / 4 / canvas.width) / canvas.height;
  }
  return 0;
})`;
const CARDS = ['Source all-keys', 'Sink copy'] as const;

describe('the charts of a card', () => {
  const fixture = new PageFixture();
  const write = async () => {
    const pipeline = fixture.redis.pipeline();
    for (let at = 0; at < 20; at += 1) pipeline.set(`key:${at}`, String(Math.random()));
    await pipeline.exec();
  };
  /** Of a source, and a sink that has something to do whenever the source has. */
  const visit = async () => {
    const daemon = await fixture.daemon({
      sinks: [{ name: 'copy', topics: [fixture.topic], group: fixture.topic, database: 1 }],
    });
    await daemon.settled();
    const visited = await fixture.browser.visit(daemon);
    for (const name of CARDS) await visited.page.getByRole('article', { name }).getByText('Running').waitFor();
    return visited;
  };
  const heights = (page: Page, card: string) => page.evaluate<readonly number[]>(heightsOf(card));
  const untilDrawn = (page: Page, card: string) =>
    eventually(
      async () => {
        await write();
        const [throughput = 0, latency = 0] = await heights(page, card);
        return throughput > 0.6 && latency > 0;
      },
      { what: `the lines of ${card}` },
    );

  it('draw throughput and p99 as they come, in the colours of either scheme', async () => {
    const { page, complaints } = await visit();
    for (const card of CARDS) {
      const [throughput = 0, latency] = await eventually(
        async () => {
          const found = await heights(page, card);
          return (found[0] ?? 0) > 0 && found;
        },
        { what: 'the line of nothing' },
      );
      expect(throughput).toBeLessThan(0.2);
      expect(latency).toBe(0);
    }
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const card of CARDS) {
        await untilDrawn(page, card);
        expect(await heights(page, card)).toHaveLength(2);
      }
    }
    expect(complaints).toEqual([]);
  });

  it('tell the figures of the second that is pointed at, in whichever of the two', async () => {
    const { page } = await visit();
    for (const name of CARDS) {
      await untilDrawn(page, name);
      const card = page.getByRole('article', { name });
      const readout = card.locator('[data-part="readout"]');
      for (const plot of await card.locator('.u-over').all()) {
        expect(await readout.textContent()).toBe('');
        const { width = 0 } = (await plot.boundingBox()) ?? {};
        const told = async () => (await readout.textContent()) ?? '';
        await eventually(
          async () => {
            // The latest second stands at the right, and something is to have happened in it.
            await write();
            await plot.hover({ position: { x: width - 2, y: 10 } });
            return /^\d\d:\d\d:\d\d · [1-9][\d,.]* per second · p99 \d[\d,.]* m?s$/.test(await told());
          },
          { what: 'figures of that second' },
        );
        await page.mouse.move(0, 0);
        await eventually(async () => (await told()) === '', { what: 'no figures without a pointer' });
      }
    }
  });
});
