import { describe, expect, it } from 'vitest';
import { inspect } from './browser.ts';
import { PageFixture } from './page-fixture.ts';

describe('the connection of the page', () => {
  const fixture = new PageFixture();

  it('says that it is stale while the daemon is silent, and lives again by itself', async () => {
    const daemon = await fixture.daemon();
    await daemon.settled();
    const { page } = await fixture.browser.visit(daemon);
    await page.getByText('Live', { exact: true }).waitFor();
    daemon.freeze();
    await page.getByText('Stale: what stands here may not be true any more.').waitFor();
    expect(await page.title()).toBe('Stale · Keyferry');
    await inspect(page, 'stale');
    daemon.thaw();
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.getByText('Stale:').isVisible()).toBe(false);
  });

  it('finds the daemon again after a restart', async () => {
    const daemon = await fixture.daemon();
    await daemon.settled();
    const { page } = await fixture.browser.visit(daemon);
    await page.getByText('Live', { exact: true }).waitFor();
    await daemon.kill();
    await page.getByText('The daemon cannot be reached.').waitFor();
    await daemon.start();
    await page.getByText('Live', { exact: true }).waitFor();
    await fixture.redis.set('after', 'the restart');
    await page.getByRole('cell', { name: 'after', exact: true }).waitFor();
  });

  it('asks the daemon for no changes while nobody sees the page', async () => {
    const daemon = await fixture.daemon();
    const { page } = await fixture.browser.visit(daemon);
    await page.getByText('Live', { exact: true }).waitFor();
    const next = page.waitForRequest((request) => request.url().includes('/api/v1/events'));
    await page.evaluate(
      "Object.defineProperty(document, 'hidden', { get: () => true }); document.dispatchEvent(new Event('visibilitychange'))",
    );
    expect(new URL((await next).url()).search).toBe('');
  });
});
