import { describe, expect, it } from 'vitest';
import type { TopicDescription } from '../../../src/clients/kafka/port.ts';
import {
  type CheckedEvents,
  deadLetterFindings,
  eventTopicFindings,
  plainSecretFindings,
  replicaFindings,
} from '../../../src/cli/checks/broker-settings.ts';
import { line } from '../../../src/cli/checks/finding.ts';

const topic = (config: Readonly<Record<string, string>>, replicationFactor = 3): TopicDescription => ({
  name: 'orders',
  partitions: 6,
  replicationFactor,
  config: new Map(Object.entries(config)),
});

describe('replicas', () => {
  it.each([
    ['1', 1, undefined],
    ['2', 3, undefined],
    ['2', 1, /^FAIL .*wants 2 replicas in sync .* and has 1: it takes no write at all/],
    ['3', 3, /^warn .*no write passes while one broker is away .*min\.insync\.replicas=2/],
    ['1', 3, /^warn .*one broker alone holds/],
  ])('min.insync.replicas %s of %s', (needed, replicas, expected) => {
    const findings = replicaFindings(topic({ 'min.insync.replicas': needed }, replicas)).map(line);
    expect(findings).toEqual(expected === undefined ? [] : [expect.stringMatching(expected)]);
  });
});

describe('compaction', () => {
  const events: CheckedEvents = { name: 'jobs', type: 'list', database: 0, topic: 'orders', partitions: 6 };
  const compacted = topic({ 'cleanup.policy': 'compact,delete' });
  const kept = topic({ 'cleanup.policy': 'delete' });

  it('refuses records without a key, and keeps only the last of those with one', () => {
    expect(eventTopicFindings(kept, events)).toEqual([]);
    expect(eventTopicFindings(compacted, events).map(line)).toEqual([
      expect.stringMatching(/^FAIL .*refuses the records of source jobs, which have no key.*cleanup\.policy=delete/),
    ]);
    expect(eventTopicFindings(compacted, { ...events, recordKey: '{key}' }).map(line)).toEqual([
      expect.stringMatching(/^warn .*only the last is kept/),
    ]);
  });

  it('is nothing for dead letters', () => {
    expect(deadLetterFindings(kept, 'sink copy')).toEqual([]);
    expect(deadLetterFindings(compacted, 'sink copy').map(line)).toEqual([
      expect.stringMatching(/^FAIL .*takes the dead letters of sink copy/),
    ]);
  });
});

describe('secrets on their way', () => {
  const base = { client: 'platformatic', brokers: ['k:9092'], clientId: 'c' } as const;
  const token = { mechanism: 'oauthbearer', clientId: 'c', clientSecret: 's' } as const;
  it.each([
    [{}, 0],
    [{ sasl: { mechanism: 'scram-sha-512', username: 'u', password: 'p' } as const }, 0],
    [{ sasl: { mechanism: 'plain', username: 'u', password: 'p' } as const }, 1],
    [{ sasl: { mechanism: 'plain', username: 'u', password: 'p' } as const, tls: {} }, 0],
    [{ sasl: { ...token, tokenUrl: 'https://id' } }, 1],
    [{ sasl: { ...token, tokenUrl: 'http://id' } }, 2],
    [{ sasl: { ...token, tokenUrl: 'https://id' }, tls: {} }, 0],
  ])('%j gives %i warnings', (security, count) => {
    const findings = plainSecretFindings('kafka k:9092', { ...base, ...security });
    expect(findings).toHaveLength(count);
    expect(findings.every(({ level }) => level === 'warn')).toBe(true);
  });
});
