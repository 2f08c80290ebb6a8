import { describe, expect, it } from 'vitest';
import type { OutgoingRecord } from '../../../../src/clients/kafka/port.ts';
import type { KeyName } from '../../../../src/core/key-name.ts';
import type { TraceContext } from '../../../../src/core/tracer.ts';
import { TracedKeys } from '../../../../src/redis-to-kafka/converge/traced-keys.ts';
import { SpanRecorder, traceNumber } from '../../../support/recorded-spans.ts';

const KEY = 'key' as KeyName;
const record: OutgoingRecord = {
  topic: 't',
  key: Buffer.from('key'),
  value: null,
  headers: new Map([['kf-op', Buffer.from('set')]]),
};

const setUp = () => {
  const recorder = new SpanRecorder();
  const keys = new TracedKeys(recorder);
  return {
    keys,
    recorder,
    /** A whole write. */
    write: (trace: TraceContext, key = KEY): void => {
      keys.writing(key, trace);
      keys.written(key, trace);
    },
    /** A read that finds a change: the traces on its record, the one that it goes on with last; none: not traced. */
    read: (during: () => void = () => undefined): readonly TraceContext[] => {
      keys.reading([KEY]);
      during();
      const traced = keys.changed(KEY, [record]);
      const span = recorder.spans.at(-1);
      return traced === undefined || span?.parent === undefined ? [] : [...(span.links ?? []), span.parent];
    },
  };
};

describe('keys that are written within traces', () => {
  it('give their trace to the next record, and to no other', () => {
    const { write, read } = setUp();
    write(traceNumber(1));
    expect(read()).toEqual([traceNumber(1)]);
    expect(read()).toEqual([]);
  });

  it('say in the header of the record which span it comes from, beside the other headers', () => {
    const { keys, write, recorder } = setUp();
    write(traceNumber(1));
    keys.reading([KEY]);
    const traced = keys.changed(KEY, [record]);
    const [{ headers } = record] = traced?.records ?? [];
    expect([...headers].map(([name, bytes]) => [name, String(bytes)])).toEqual([
      ['kf-op', 'set'],
      ['traceparent', recorder.spans[0]?.context.traceparent],
    ]);
    // Records share their headers.
    expect([...record.headers.keys()]).toEqual(['kf-op']);
  });

  it('give one record to several writes: it goes on with the last one, and is linked to the others', () => {
    const { write, read } = setUp();
    for (const number of [1, 2, 3]) write(traceNumber(number));
    expect(read()).toEqual([traceNumber(1), traceNumber(2), traceNumber(3)]);
  });

  it('keep a write whose notification was quicker than its reply, until a read that began after the reply', () => {
    const { keys, read } = setUp();
    const trace = traceNumber(1);
    keys.writing(KEY, trace);
    expect(read()).toEqual([trace]);
    keys.written(KEY, trace);
    expect(read()).toEqual([trace]);
    expect(read()).toEqual([]);
  });

  it('keep a write that came while the key was being read', () => {
    const { write, read } = setUp();
    expect(
      read(() => {
        write(traceNumber(1));
      }),
    ).toEqual([traceNumber(1)]);
    expect(read()).toEqual([traceNumber(1)]);
    expect(read()).toEqual([]);
  });

  it('forget a write that changed nothing', () => {
    const { keys, write, read } = setUp();
    write(traceNumber(1));
    keys.reading([KEY]);
    keys.unchanged(KEY);
    expect(read()).toEqual([]);
  });

  it('keep a write over a read that failed', () => {
    const { keys, write, read } = setUp();
    write(traceNumber(1));
    keys.reading([KEY]);
    expect(read()).toEqual([traceNumber(1)]);
  });

  it('forget what will not be read for their sake', () => {
    const { keys, write, read } = setUp();
    const trace = traceNumber(1);
    write(trace);
    keys.forget(KEY);
    keys.written(KEY, trace);
    expect(read()).toEqual([]);
  });

  it('take no more than 32 writes of one key (I9): the latest ones', () => {
    const { write, read } = setUp();
    for (let number = 1; number <= 100; number += 1) write(traceNumber(number));
    expect(read()).toEqual(Array.from({ length: 32 }, (_, at) => traceNumber(69 + at)));
  });

  it('take no more than 10,000 writes in all (I9), and more once those were read', () => {
    const { keys, write, read } = setUp();
    const others = Array.from({ length: 10_000 }, (_, at) => `other:${at}` as KeyName);
    for (const key of others) write(traceNumber(1), key);
    write(traceNumber(2));
    expect(read()).toEqual([]);
    keys.reading(others.slice(0, 1));
    for (const key of others.slice(0, 1)) keys.unchanged(key);
    write(traceNumber(3));
    expect(read()).toEqual([traceNumber(3)]);
  });
});
