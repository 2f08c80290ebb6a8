import { describe, expect, it } from 'vitest';
import { sharedTopics } from '../../../src/cli/checks/topic-claims.ts';

describe('a topic of keys and of events', () => {
  const keyspace = (topic: string) => ({ name: 'keys', databases: [0], topic });
  const stream = (topic: string) => ({ name: 'orders', database: 0, topic });

  it.each([
    ['of one name', 'a', 'a', [], ['topic a']],
    ['whose templates come to the same', 'a.{db}', 'a.0', [], ['topic a.0']],
    ['that exists, and that both templates can give', 'a.{1}', '{1}.b', ['a.b', 'c'], ['topic a.b']],
    ['that {source} tells apart', '{source}', '{source}', [], []],
  ])('is found: one %s', (_, keys, events, existing, expected) => {
    const findings = sharedTopics([keyspace(keys)], existing, [stream(events)]);
    expect(findings.map(({ subject }) => subject)).toEqual(expected);
    expect(findings.map(({ level }) => level)).toEqual(expected.map(() => 'FAIL'));
  });

  it('is none where only events share it: their headers tell them apart', () => {
    expect(sharedTopics([], ['a'], [stream('a'), { ...stream('a'), name: 'jobs' }])).toEqual([]);
  });
});
