import { Kafka, type Message, logLevel } from 'kafkajs';
import { describe, expect, inject, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { inspect } from './browser.ts';
import { PageFixture } from './page-fixture.ts';

const send = async (topic: string, ...messages: readonly Message[]): Promise<void> => {
  const kafka = new Kafka({ brokers: [...inject('kafkaBrokers')], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic }], waitForLeaders: false });
  await eventually(() => admin.fetchTopicOffsets(topic), { what: 'the topic to be led' });
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic, messages: [...messages] });
  await producer.disconnect();
};

describe('the buttons of the page', () => {
  const fixture = new PageFixture();
  const key = () => fixture.redis.set(`key:${Math.random()}`, '1');
  /** A daemon of one sink that reads JSON. */
  const sink = (options: object) => {
    const { topic } = fixture;
    const from = { topics: [topic], group: topic, format: 'json', deadLetter: `${topic}.dead` };
    return fixture.daemon({ sources: [], sinks: [{ ...from, ...options }] });
  };

  it('pause a source and let it go on, each after one question', async () => {
    const daemon = await fixture.daemon();
    await daemon.settled();
    const { page, complaints } = await fixture.browser.visit(daemon);
    const source = page.getByRole('article', { name: 'Source all-keys' });
    await source.getByRole('button', { name: 'Pause all-keys' }).click();
    const question = page.getByRole('dialog', { name: 'Pause all-keys?' });
    await question.waitFor();
    await inspect(page, 'question');
    await question.getByRole('button', { name: 'Pause' }).click();
    await question.getByText('It is paused.').waitFor();
    await inspect(page, 'paused');
    await question.getByRole('button', { name: 'Close' }).click();
    await source.getByText('Paused', { exact: true }).waitFor();
    await page.getByRole('heading', { level: 1, name: 'Paused: all-keys' }).waitFor();
    await key();
    await eventually(async () => (await source.locator('[data-part="waiting"]').textContent()) === '1', {
      what: 'the key to wait',
    });
    const asked = await fetch(`http://127.0.0.1:${daemon.port}/api/v1/sources/all-keys/snapshot`, { method: 'POST' });
    expect(asked.status).toBe(202);
    await source.getByText(/^Snapshot: .* keys, paused$/).waitFor();
    await source.getByRole('button', { name: 'Resume all-keys' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
    await page.getByText('It runs again.').waitFor();
    await daemon.settled();
    expect(complaints).toEqual([]);
  });

  it('take a snapshot of the keys that were asked for, and show how far it is', async () => {
    for (let at = 0; at < 20; at += 1) await fixture.redis.mset(`user:${at}`, '1', `order:${at}`, '1');
    const daemon = await fixture.daemon();
    await daemon.settled();
    const { page, complaints } = await fixture.browser.visit(daemon);
    const source = page.getByRole('article', { name: 'Source all-keys' });
    const records = async () => Number(await source.locator('[data-part="records"]').textContent());
    await eventually(async () => (await records()) === 40, { what: 'the first 40 records' });
    await source.getByRole('button', { name: 'Snapshot of all-keys' }).click();
    const question = page.getByRole('dialog', { name: 'Snapshot of all-keys?' });
    await question.getByRole('textbox').fill('user:*');
    await page.keyboard.press('Enter');
    await question.getByText('It has begun').waitFor();
    await eventually(async () => (await records()) === 60, { what: 'the records of the snapshot' });
    expect(complaints).toEqual([]);
  });

  it('say in the words of the daemon what it refuses', async () => {
    const daemon = await fixture.daemon();
    await daemon.settled();
    const { page } = await fixture.browser.visit(daemon);
    await page.getByRole('button', { name: 'Snapshot of all-keys' }).click();
    await page.getByRole('dialog').getByRole('textbox').waitFor();
    await daemon.kill();
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('dialog').getByText('The daemon cannot be reached.').waitFor();
    await inspect(page, 'refused');
    await daemon.start();
    await eventually(async () => (await daemon.get('/livez')).ok);
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('dialog').getByText('It has begun').waitFor();
  });

  it('show the dead letters of a sink, and give them back to it', async () => {
    await send(fixture.topic, { key: '<b>bold</b>', value: 'no JSON' });
    const daemon = await sink({ name: 'profiles', key: 'profile:{key}', as: 'hash' });
    const { page, complaints } = await fixture.browser.visit(daemon);
    await page.getByRole('button', { name: 'Dead letters of profiles' }).click();
    const letters = page.getByRole('dialog', { name: 'Dead letters of profiles' });
    await letters.getByText('<b>bold</b>').waitFor();
    await letters.getByRole('link', { name: 'KF_RECORD_UNREADABLE' }).waitFor();
    await inspect(page, 'dead-letters');
    await letters.getByRole('button', { name: 'Retry it' }).click();
    // It is as unreadable as it was.
    await letters.getByText(/^0 retried; 1 failed/).waitFor();
    expect(complaints).toEqual([]);
  });

  it('give back the dead letters that can be applied by now, and list the others alone', async () => {
    await fixture.redis.set('jobs', 'no list');
    await send(fixture.topic, { key: 'good', value: '"do it"' }, { key: 'bad', value: 'no JSON' });
    const daemon = await sink({ name: 'jobs', key: 'jobs', as: 'list' });
    const { page, complaints } = await fixture.browser.visit(daemon);
    const count = page.getByRole('article', { name: 'Sink jobs' }).locator('[data-part="dead-letters"]');
    await eventually(async () => (await count.textContent()) === '2', { what: 'both letters' });
    await fixture.redis.del('jobs');
    const open = page.getByRole('button', { name: 'Dead letters of jobs' });
    const letters = page.getByRole('dialog', { name: 'Dead letters of jobs' });
    await open.click();
    await letters.getByText('good', { exact: true }).waitFor();
    await letters.getByText('bad', { exact: true }).waitFor();
    await letters.getByRole('button', { name: 'Retry them' }).click();
    await letters.getByText(/^1 retried; 1 failed and stay where they are: /).waitFor();
    expect(await fixture.redis.lrange('jobs', 0, -1)).toEqual(['do it']);
    await letters.getByRole('button', { name: 'Close' }).click();
    await open.click();
    await letters.getByText('bad', { exact: true }).waitFor();
    expect(await letters.getByText('good', { exact: true }).count()).toBe(0);
    await letters.getByRole('button', { name: 'Retry it' }).waitFor();
    expect(complaints).toEqual([]);
  });
});
