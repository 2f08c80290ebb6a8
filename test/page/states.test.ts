import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { stackProvider } from '../support/provider.ts';
import { hasTitle, inspect } from './browser.ts';
import { PageFixture } from './page-fixture.ts';

describe('the status page', () => {
  const fixture = new PageFixture();

  it('says that all is in sync, with a card for each flow and what has changed', async () => {
    const daemon = await fixture.daemon({
      sinks: [{ name: 'copy', topics: [fixture.topic], group: fixture.topic, database: 1 }],
    });
    await daemon.settled();
    const { page, complaints, strangers } = await fixture.browser.visit(daemon);
    await page.getByText('Live', { exact: true }).waitFor();
    for (let user = 0; user < 40; user += 1) await fixture.redis.hset(`user:${user}`, { name: 'Ada', visits: user });
    await page.getByRole('cell', { name: 'user:0', exact: true }).first().waitFor();
    await page.getByRole('heading', { level: 1, name: /^In sync/ }).waitFor();
    await page.getByText(/ · no gap open · up \d.* · no dead letter since then$/).waitFor();
    const source = page.getByRole('article', { name: 'Source all-keys' });
    await source.getByText('Running').waitFor();
    await source.getByText(/^None open; the last one at .* closed after/).waitFor();
    await eventually(async () => (await source.locator('[data-part="records"]').textContent()) === '40', {
      what: 'the records on the card',
    });
    await fixture.redis.del('user:1');
    await page.getByRole('row', { name: /all-keys del .* user:1 / }).waitFor();
    await page.getByRole('article', { name: 'Sink copy' }).getByText('Running').waitFor();
    await hasTitle(page, 'In sync · Keyferry');
    await inspect(page, 'healthy');
    expect(complaints).toEqual([]);
    expect(strangers).toEqual([]);
  });

  it('shows a gap while it is repaired, and how far that is', async () => {
    await fixture.redis.call('DEBUG', 'POPULATE', '1500000', 'key', '64');
    const daemon = await fixture.daemon();
    const { page } = await fixture.browser.visit(daemon);
    const source = page.getByRole('article', { name: 'Source all-keys' });
    await page.getByRole('heading', { level: 1, name: /^Gap on .* of about 1,500,\d{3} keys/ }).waitFor();
    await source.getByText('1 open now').waitFor();
    expect(await source.getByRole('progressbar').getAttribute('max')).toMatch(/^15\d{5}$/);
    await source.locator('summary').click();
    await inspect(page, 'repairing');
  });

  it('lists every gap, with what was its cause', async () => {
    const daemon = await fixture.daemon();
    await daemon.settled();
    const { page } = await fixture.browser.visit(daemon);
    const source = page.getByRole('article', { name: 'Source all-keys' });
    await source.locator('summary').click();
    const gaps = source.getByRole('listitem');
    const allAreDrawn = () =>
      eventually(async () => (await source.locator('.gap').count()) === (await gaps.count()), {
        what: 'a mark for each gap',
      });
    await gaps.filter({ hasText: 'start' }).waitFor();
    await allAreDrawn();
    await fixture.redis.client('KILL', 'TYPE', 'PUBSUB');
    // A machine that stands still for seconds may have lost the feed before.
    await gaps.filter({ hasText: 'feed-lost' }).first().waitFor();
    await allAreDrawn();
    expect(await gaps.count()).toBeGreaterThan(1);
    await source.getByText(/^None open; the last one at/).waitFor();
  });

  it('says that Kafka is out of reach, with a code that leads to what to do', async () => {
    const kafka = await (await stackProvider()).startKafka();
    const daemon = await fixture.daemon({
      kafka: { brokers: [...kafka.brokers] },
      sinks: [{ name: 'copy', topics: [fixture.topic], group: fixture.topic, database: 1 }],
    });
    await daemon.settled();
    const { page, complaints } = await fixture.browser.visit(daemon);
    await page.getByRole('heading', { level: 1, name: /^In sync/ }).waitFor();
    await kafka.kill();
    for (let order = 0; order < 30; order += 1) await fixture.redis.set(`order:${order}`, 'open');
    await page.getByRole('heading', { level: 1, name: /^Kafka is out of reach for/ }).waitFor();
    const code = page
      .getByRole('article', { name: 'Source all-keys' })
      .getByRole('link', { name: 'KF_KAFKA_UNAVAILABLE' });
    await code.waitFor();
    // It has nothing to do, and would not notice by itself.
    const sink = page.getByRole('article', { name: 'Sink copy' });
    await sink.getByText('Waiting', { exact: true }).waitFor();
    await sink.getByText('Kafka is out of reach').waitFor();
    await inspect(page, 'kafka-away');
    await code.click();
    await page.getByText('Kafka cannot be reached, or has no leader').waitFor();
    await inspect(page, 'explanations');
    expect(complaints).toEqual([]);
  });

  it('is whole where there is nothing yet: no key, no change, no record', async () => {
    const daemon = await fixture.daemon({
      sources: [
        fixture.source(),
        { name: 'orders', type: 'stream', keys: ['orders'], topic: `${fixture.topic}-orders` },
      ],
    });
    await daemon.settled();
    const { page } = await fixture.browser.visit(daemon);
    await page.getByRole('article', { name: 'Source orders' }).getByText('Running').waitFor();
    await page.getByText('No change has come since this page was opened.').waitFor();
    await inspect(page, 'empty');
  });
});
