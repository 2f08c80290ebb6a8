import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { inspect } from './browser.ts';
import { PageFixture } from './page-fixture.ts';

/** A reverse proxy that serves a daemon below a path. */
const proxied = async (daemon: Daemon, path: string): Promise<string> => {
  const proxy = createServer((incoming, outgoing) => {
    const { method, url = '', headers } = incoming;
    if (!url.startsWith(path)) {
      outgoing.writeHead(404).end();
      return;
    }
    const onward = { host: '127.0.0.1', port: daemon.port, method, path: `/${url.slice(path.length)}`, headers };
    const asked = request(onward, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    asked.on('error', () => outgoing.destroy());
    incoming.pipe(asked);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    proxy.close();
    proxy.closeAllConnections();
  });
  await eventually(() => proxy.listening);
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}${path}`;
};

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
    await page.getByText('Stale:').waitFor({ state: 'hidden' });
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

  it('works below a path of a proxy', async () => {
    const daemon = await fixture.daemon();
    const { page, complaints } = await fixture.browser.visit(daemon, { url: await proxied(daemon, '/team/keyferry/') });
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Pause all-keys' }).waitFor();
    expect(complaints).toEqual([]);
  });

  it('says why, where the daemon has no room for one more page', async () => {
    const daemon = await fixture.daemon();
    const others = new AbortController();
    // Held: an answer that nobody holds any more is closed by the garbage collector.
    const answers: Response[] = [];
    for (let other = 0; other < 16; other += 1)
      answers.push(await fetch(`http://127.0.0.1:${daemon.port}/api/v1/events`, { signal: others.signal }));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const { page } = await fixture.browser.visit(daemon);
    await page.getByText('16 others listen already').waitFor();
    others.abort();
    await page.getByText('Live', { exact: true }).waitFor();
    await Promise.allSettled(answers.map((answer) => answer.text()));
  });

  it('asks the daemon for no changes while nobody sees the page', async () => {
    const daemon = await fixture.daemon();
    const { page } = await fixture.browser.visit(daemon);
    await page.getByText('Live', { exact: true }).waitFor();
    // One that asks for changes may still come before, where the machine stands still for seconds.
    const next = page.waitForRequest((request) => request.url().endsWith('/api/v1/events'));
    await page.evaluate(
      "Object.defineProperty(document, 'hidden', { get: () => true }); document.dispatchEvent(new Event('visibilitychange'))",
    );
    expect(new URL((await next).url()).search).toBe('');
  });
});
