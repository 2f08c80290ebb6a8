import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import { type Browser, type BrowserContextOptions, type Page, chromium } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { tool } from '../support/tools.ts';
import { SCREENSHOTS } from './screenshots.ts';

const WIDE = { width: 1600, height: 1000 };
const NARROW = { width: 400, height: 860 };
const SCHEMES = ['light', 'dark'] as const;
/** Level AA of WCAG 2.2, and what axe itself thinks good. */
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** A page and everything that went wrong on it. */
export interface Visit {
  readonly page: Page;
  /** What a script, the security policy or the browser complained about. */
  readonly complaints: readonly string[];
  /** Where it asked for anything beyond the daemon. */
  readonly strangers: readonly string[];
}

/** A real Chromium for the tests of a file. */
export class TestBrowser {
  #browser: Browser | undefined;

  constructor() {
    beforeAll(async () => {
      const executablePath = process.env['KEYFERRY_TEST_CHROMIUM'] ?? (await tool('chromium', 'chromium'));
      // Its sandbox does not work for root, as whom containers run.
      const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
      this.#browser = await chromium.launch({ executablePath, args, timeout: 180_000 });
    });
    afterEach(async () => {
      await Promise.all((this.#browser?.contexts() ?? []).map((context) => context.close()));
    });
    afterAll(() => this.#browser?.close());
  }

  /** Opens the status page of a daemon as a new visitor, below `url` where it is served elsewhere. */
  async visit(daemon: Daemon, options: BrowserContextOptions & { readonly url?: string } = {}): Promise<Visit> {
    if (this.#browser === undefined) throw new Error('the browser has not started');
    const { url = `http://127.0.0.1:${daemon.port}/`, ...context } = options;
    const page = await (await this.#browser.newContext({ viewport: WIDE, ...context })).newPage();
    page.setDefaultTimeout(180_000);
    const complaints: string[] = [];
    const strangers: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      // A daemon that is away or wants a token is reported by the browser itself, and is no fault of the page.
      const isNetwork = message.text().startsWith('Failed to load resource');
      if (['error', 'warning'].includes(message.type()) && !isNetwork) complaints.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(url)) strangers.push(request.url());
    });
    await page.addInitScript({ content: axe.source });
    await page.goto(url);
    return { page, complaints, strangers };
  }
}

/** Looks at a page in both schemes, wide and narrow: takes pictures, finds no barrier and nothing that sticks out. */
export const inspect = async (page: Page, name: string): Promise<void> => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  for (const viewport of [WIDE, NARROW]) {
    await page.setViewportSize(viewport);
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme });
      const picture = `${name}-${viewport.width}-${colorScheme}.png`;
      await page.screenshot({ path: join(SCREENSHOTS, picture), fullPage: true });
      expect(await barriers(page), picture).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth'), picture).toBeLessThanOrEqual(viewport.width);
    }
  }
  await page.setViewportSize(WIDE);
};

/** Comes to have it: for a moment the page may call itself stale, where the machine stands still for seconds. */
export const hasTitle = async (page: Page, title: string): Promise<void> => {
  await eventually(async () => (await page.title()) === title, { what: `the title "${title}"` });
};

const barriers = async (page: Page): Promise<readonly string[]> => {
  const options = JSON.stringify({ runOnly: RULES });
  const { violations } = await page.evaluate<AxeResults>(`axe.run(document, ${options})`);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary ?? ''}`),
  );
};
