import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { PageFixture } from './page-fixture.ts';

describe('the page by keyboard', () => {
  const fixture = new PageFixture();
  const focused = "document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent.trim()";

  it('reaches every control in the order of reading, and every one can be seen to have the focus', async () => {
    const daemon = await fixture.daemon();
    await daemon.settled();
    const { page } = await fixture.browser.visit(daemon);
    await page.getByRole('button', { name: 'Pause all-keys' }).waitFor();
    const order: unknown[] = [];
    for (let tab = 0; tab < 8; tab += 1) {
      await page.keyboard.press('Tab');
      order.push(await page.evaluate(focused));
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'), String(tab)).toBe('solid');
    }
    expect(order[0]).toBe('Skip to the state');
    expect(order.slice(1, 3)).toEqual(['Snapshot of all-keys', 'Pause all-keys']);
    expect(order).toContain('Pause the changes');
  });

  it('asks before it acts, and Escape leaves everything as it was', async () => {
    const daemon = await fixture.daemon();
    await daemon.settled();
    const { page } = await fixture.browser.visit(daemon);
    const pause = page.getByRole('button', { name: 'Pause all-keys' });
    await pause.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Pause all-keys?' });
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await eventually(async () => (await page.evaluate(focused)) === 'Pause all-keys', { what: 'the focus to return' });
    expect((await daemon.status()).sources[0]).toMatchObject({ paused: false });
  });
});
