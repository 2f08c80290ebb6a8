import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { hasTitle, inspect } from './browser.ts';
import { PageFixture } from './page-fixture.ts';

const HOSTILE = '<img src=x onerror="document.title=\'taken over\'">';
const BACKWARDS = 'user:\u202e1:nimda';
const LONG = `long:${'x'.repeat(2_000)}`;

describe('the list of changes', () => {
  const fixture = new PageFixture();
  const visit = async (config: object = {}) => {
    const daemon = await fixture.daemon(config);
    await daemon.settled();
    const visited = await fixture.browser.visit(daemon);
    await visited.page.getByText('Live', { exact: true }).waitFor();
    return visited;
  };

  it('shows the keys that nobody should use as what they are, and as nothing else', async () => {
    const { page, complaints } = await visit();
    await fixture.redis.set(HOSTILE, '1');
    await fixture.redis.set(BACKWARDS, '1');
    await fixture.redis.set(LONG, '1');
    await fixture.redis.set(Buffer.from([0x00, 0xff, 0x61, 0x5c]), '1');
    await page.getByRole('cell', { name: HOSTILE, exact: true }).waitFor();
    await page.getByRole('cell', { name: 'user:\\u{202e}1:nimda', exact: true }).waitFor();
    await page.getByRole('cell', { name: '\\x00\\xffa\\\\', exact: true }).waitFor();
    await page.getByRole('cell', { name: /^long:x+… \(2\.\d+ kB\)$/ }).waitFor();
    await inspect(page, 'hostile-keys');
    expect(await page.locator('img').count()).toBe(0);
    await hasTitle(page, 'In sync · Keyferry');
    expect(complaints).toEqual([]);
  });

  it('shows values where that is configured, as text whatever they hold', async () => {
    const { page, complaints } = await visit({ http: { showValues: true } });
    await fixture.redis.set('user:1', HOSTILE);
    const shown = JSON.stringify({ type: 'string', value: HOSTILE });
    await page.getByRole('cell', { name: `user:1 ${shown}`, exact: true }).waitFor();
    await inspect(page, 'values');
    expect(await page.locator('img').count()).toBe(0);
    await hasTitle(page, 'In sync · Keyferry');
    expect(complaints).toEqual([]);
  });

  it('shows no value unless that is configured', async () => {
    const { page } = await visit();
    await fixture.redis.set('user:1', 'kept to itself');
    await page.getByRole('cell', { name: 'user:1', exact: true }).waitFor();
    expect(await page.content()).not.toContain('kept to itself');
  });

  it('can make no markup of text, whatever script tries to', async () => {
    const { page } = await visit();
    const tried = page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x>')");
    await expect(tried).rejects.toThrow('TrustedHTML');
  });

  it('shows those alone that were asked for', async () => {
    const { page } = await visit();
    const asked = page.waitForRequest((request) => request.url().includes('match=order'));
    await page.getByLabel('Keys like').fill('order:*');
    await asked;
    await eventually(async () => {
      await fixture.redis.set('user:1', String(Math.random()));
      await fixture.redis.set('order:1', String(Math.random()));
      return page.getByRole('cell', { name: 'order:1', exact: true }).first().isVisible();
    });
    expect(await page.getByRole('cell', { name: 'user:1', exact: true }).count()).toBe(0);
  });

  it('stands still while it is paused, and goes on after that', async () => {
    const { page } = await visit();
    const pause = page.getByRole('button', { name: 'Pause the changes' });
    const asked = page.waitForRequest((request) => request.url().endsWith('/api/v1/events'));
    await pause.click();
    await asked;
    await fixture.redis.set('meanwhile', '1');
    const source = page.getByRole('article', { name: 'Source all-keys' });
    await eventually(async () => Number(await source.locator('[data-part="records"]').textContent()) >= 1);
    expect(await page.getByRole('cell', { name: 'meanwhile' }).count()).toBe(0);
    await pause.click();
    await eventually(async () => {
      await fixture.redis.set('afterwards', String(Math.random()));
      return page.getByRole('cell', { name: 'afterwards', exact: true }).first().isVisible();
    });
  });

  it('keeps the page small, however many changes come', async () => {
    const { page } = await visit();
    const nodes = () => page.evaluate("document.querySelectorAll('*').length");
    for (let batch = 0; batch < 100; batch += 1) {
      const pipeline = fixture.redis.pipeline();
      for (let at = 0; at < 1_000; at += 1) pipeline.set(`many:${batch}:${at}`, '1');
      await pipeline.exec();
    }
    const rows = page.locator('#tail tr');
    await eventually(async () => (await rows.count()) === 200, { what: 'the list to be full' });
    const full = await nodes();
    await eventually(
      async () => {
        await fixture.redis.set('the:last', String(Math.random()));
        return (await rows.first().textContent())?.includes('the:last') === true;
      },
      { timeoutMs: 60_000 },
    );
    expect(await rows.count()).toBe(200);
    expect(await nodes()).toBeLessThanOrEqual(Number(full) + 20);
    await page.getByText(/of them not shown$/).waitFor();
  });
});
