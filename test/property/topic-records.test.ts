import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { IncomingRecord } from '../../src/clients/kafka/port.ts';
import { headerWriter } from '../../src/codecs/record-headers.ts';
import { type KeyName, keyBytes } from '../../src/core/key-name.ts';
import { TopicRecords } from '../../src/state-store/topic-records.ts';
import { MemoryStates } from '../support/memory-states.ts';

const TYPES = ['string', 'hash', 'list'] as const;
type Type = (typeof TYPES)[number];

const topicOf = (_: KeyName, type: string): string => `keys.${type}`;
const headers = headerWriter({ db: 0, origin: 'this-redis' });
const TOPICS = { db: 0, only: undefined, pattern: /^keys\./, topicOf };

/** A key's new state, or its end. */
interface Step {
  readonly key: KeyName;
  readonly type: Type | undefined;
  readonly value: number;
}

interface Written {
  readonly topic: string;
  readonly record: IncomingRecord;
}

const setRecord = ({ key, value }: Step, type: Type): Written => ({
  topic: topicOf(key, type),
  record: {
    key: keyBytes(key),
    value: Buffer.from(`{"value":${value}}`),
    headers: headers.set({ redisType: type, expireAt: undefined, ts: 1 }),
    offset: 0n,
    timestamp: 1,
  },
});
const tombstone = (key: KeyName, type: Type): Written => ({
  topic: topicOf(key, type),
  record: {
    key: keyBytes(key),
    value: null,
    headers: headers.gone({ op: 'del', redisType: type, ts: 1 }),
    offset: 0n,
    timestamp: 1,
  },
});

/** What is written for a step: a key that changes its type leaves a tombstone on the topic that it leaves. */
const written = (step: Step, before: Type | undefined): readonly Written[] => [
  ...(before !== undefined && before !== step.type ? [tombstone(step.key, before)] : []),
  ...(step.type === undefined ? [] : [setRecord(step, step.type)]),
];

const step: fc.Arbitrary<Step> = fc.record({
  key: fc.constantFrom('a' as KeyName, 'b' as KeyName),
  type: fc.constantFrom(...TYPES, undefined),
  value: fc.nat(99),
});

it('the last state of each key is known, in whatever order its topics are read, and from wherever', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 12 }),
      fc.nat(12),
      fc.array(fc.nat(20), { minLength: 3, maxLength: 3 }),
      fc.shuffledSubarray([...TYPES], { minLength: 3 }),
      (steps, knownSteps, backlog, order) => {
        const types = new Map<KeyName, Type | undefined>();
        const log = new Map<string, IncomingRecord[]>(TYPES.map((type) => [topicOf('' as KeyName, type), []]));
        const store = new MemoryStates();
        const expected = new MemoryStates();
        // What the store knows already: it is never behind the positions from which the topics are read on.
        const ends = new Map<string, number>();
        steps.forEach((each, at) => {
          const records = written(each, types.get(each.key));
          types.set(each.key, each.type);
          for (const { topic, record } of records) {
            log.get(topic)?.push(record);
            new TopicRecords(expected, TOPICS).take(topic, record);
            if (at < knownSteps) new TopicRecords(store, TOPICS).take(topic, record);
          }
          if (at < knownSteps) for (const [topic, all] of log) ends.set(topic, all.length);
        });
        for (const [key, type] of types) expect(expected.get(key)?.redisType).toBe(type);
        const reading = new TopicRecords(store, TOPICS);
        order.forEach((type, at) => {
          const topic = topicOf('' as KeyName, type);
          const from = Math.max(0, (ends.get(topic) ?? 0) - (backlog[at] ?? 0));
          for (const record of log.get(topic)?.slice(from) ?? []) reading.take(topic, record);
        });
        expect(store.states).toEqual(expected.states);
      },
    ),
    { numRuns: 2_000 },
  );
});

it('records of another database, and of nobody on a topic that others may use, say nothing', () => {
  const store = new MemoryStates();
  const key = 'a' as KeyName;
  const { topic, record } = setRecord({ key, type: 'hash', value: 1 }, 'hash');
  new TopicRecords(store, { ...TOPICS, db: 1 }).take(topic, record);
  new TopicRecords(store, TOPICS).take('keys.string', record);
  new TopicRecords(store, TOPICS).take(topic, { ...record, headers: new Map() });
  expect(store.states.size).toBe(0);
  // On a topic of its own it is to be published over.
  new TopicRecords(store, { ...TOPICS, only: topic, topicOf: () => topic }).take(topic, {
    ...record,
    headers: new Map(),
  });
  expect(store.get(key)?.redisType).toBe('unknown');
});
