import { describe, expect, it } from 'vitest';
import type { IncomingRecord, RecordBatch } from '../../../src/clients/kafka/port.ts';
import { KeyferryError } from '../../../src/core/errors.ts';
import { traceBatch } from '../../../src/kafka-to-redis/consume/trace-batch.ts';
import { SpanRecorder, traceNumber } from '../../support/recorded-spans.ts';

const recordAt = (offset: bigint, traceparent?: string): IncomingRecord => ({
  key: null,
  value: null,
  headers: new Map(traceparent === undefined ? [] : [['traceparent', Buffer.from(traceparent)]]),
  offset,
  timestamp: 0,
});
const unkept = traceNumber(3).traceparent.replace(/01$/, '00');
const batch: RecordBatch = {
  topic: 't',
  partition: 2,
  records: [
    recordAt(5n, traceNumber(1).traceparent),
    recordAt(6n),
    recordAt(7n, traceNumber(2).traceparent),
    recordAt(8n, unkept),
    recordAt(9n, 'nonsense'),
  ],
  behind: 0,
};

const trace = async (handle: () => Promise<void>): Promise<SpanRecorder> => {
  const tracer = new SpanRecorder();
  await traceBatch(batch, { tracer, sink: 's', group: 'g' }, handle).catch(() => undefined);
  return tracer;
};

describe('a batch of a sink', () => {
  it('goes on with the trace of each record that has one which is kept', async () => {
    const { spans } = await trace(() => Promise.resolve());
    expect(spans.map(({ name, kind, parent, end }) => ({ name, kind, parent, end }))).toEqual([
      { name: 'process t', kind: 'consumer', parent: traceNumber(1), end: 'ok' },
      { name: 'process t', kind: 'consumer', parent: traceNumber(2), end: 'ok' },
    ]);
    expect(spans.map(({ attributes }) => attributes?.['messaging.kafka.offset'])).toEqual([5, 7]);
  });

  it('says in its spans why it was not applied', async () => {
    const { spans } = await trace(() => Promise.reject(new KeyferryError('KF_SINK_STOPPED', 'poison')));
    expect(spans.map(({ end }) => end)).toEqual(['KF_SINK_STOPPED', 'KF_SINK_STOPPED']);
  });
});
