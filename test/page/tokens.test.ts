import { describe, expect, it } from 'vitest';
import { inspect } from './browser.ts';
import { PageFixture } from './page-fixture.ts';

describe('the page of a daemon with tokens', () => {
  const fixture = new PageFixture();
  const protectedDaemon = () => fixture.daemon({ http: { token: 'may-do-all', readOnlyToken: 'may-look' } });
  const pauseOf = 'Pause all-keys';

  it('asks for the token, says that a wrong one is not taken, and shows nothing before', async () => {
    const { page, complaints } = await fixture.browser.visit(await protectedDaemon());
    const login = page.getByRole('dialog', { name: 'A token is needed' });
    await login.waitFor();
    expect(await page.getByRole('article').count()).toBe(0);
    await inspect(page, 'login');
    for (const wrong of ['nobody-has-this', 'no header holds \u{1f511}']) {
      await login.getByRole('textbox').fill(wrong);
      await page.keyboard.press('Enter');
      await login.getByText('The daemon does not take this token.').waitFor();
    }
    await login.getByRole('textbox').fill('may-do-all');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: pauseOf }).waitFor();
    expect(await login.isVisible()).toBe(false);
    expect(complaints).toEqual([]);
  });

  it('keeps the token for the tab until the visitor signs out', async () => {
    const { page } = await fixture.browser.visit(await protectedDaemon());
    await page.getByRole('textbox', { name: 'Token' }).fill('may-do-all');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: pauseOf }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: pauseOf }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('dialog', { name: 'A token is needed' }).waitFor();
    expect(await page.getByRole('article').count()).toBe(0);
  });

  it('offers nothing to do to who may only read', async () => {
    const { page } = await fixture.browser.visit(await protectedDaemon());
    await page.getByRole('textbox', { name: 'Token' }).fill('may-look');
    await page.keyboard.press('Enter');
    await page.getByText('Read only').waitFor();
    await page.getByRole('article', { name: 'Source all-keys' }).waitFor();
    expect(await page.getByRole('button', { name: pauseOf }).isVisible()).toBe(false);
    expect(await page.getByRole('button', { name: /Snapshot/ }).isVisible()).toBe(false);
  });
});
