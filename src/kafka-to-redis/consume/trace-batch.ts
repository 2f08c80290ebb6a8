import type { RecordBatch } from '../../clients/kafka/port.ts';
import { traceOf } from '../../codecs/trace-headers.ts';
import { isKeyferryError } from '../../core/errors.ts';
import { type Span, type Tracer, isSampled } from '../../core/tracer.ts';

export interface BatchTracing {
  readonly tracer: Tracer;
  /** The sink's name. */
  readonly sink: string;
  readonly group: string;
}

/**
 * Handles a batch within a span for each of its records that is part of a trace: it goes on with that, and ends with the
 * batch, as Redis gets it whole.
 */
export const traceBatch = async (
  batch: RecordBatch,
  tracing: BatchTracing,
  handle: () => Promise<void>,
): Promise<void> => {
  const spans = startSpans(batch, tracing);
  try {
    await handle();
  } catch (error) {
    for (const span of spans) span.end(isKeyferryError(error) ? error.code : 'interrupted');
    throw error;
  }
  for (const span of spans) span.end();
};

/** A trace that nobody keeps leads no further than here: it needs no span. */
const startSpans = (batch: RecordBatch, { tracer, sink, group }: BatchTracing): readonly Span[] => {
  const { topic, partition, records } = batch;
  return records.flatMap(({ headers, offset }) => {
    const parent = traceOf(headers);
    if (parent === undefined || !isSampled(parent)) return [];
    return tracer.start(`process ${topic}`, {
      kind: 'consumer',
      parent,
      attributes: {
        'messaging.system': 'kafka',
        'messaging.operation.type': 'process',
        'messaging.operation.name': 'process',
        'messaging.destination.name': topic,
        'messaging.destination.partition.id': String(partition),
        'messaging.kafka.offset': Number(offset),
        'messaging.consumer.group.name': group,
        'messaging.batch.message_count': records.length,
        'keyferry.sink': sink,
      },
    });
  });
};
