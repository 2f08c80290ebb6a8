import type { Acknowledgement, OutgoingRecord } from '../../clients/kafka/port.ts';
import { withTrace } from '../../codecs/trace-headers.ts';
import type { Place } from '../../core/place.ts';
import type { Span, TraceContext, Tracer } from '../../core/tracer.ts';

/** Records that say in their headers which span they come from. */
export interface TracedRecords {
  readonly records: readonly OutgoingRecord[];
  /** To be ended once Kafka has them. */
  readonly span: Span;
}

/**
 * From a record made to its acknowledgement.
 * @param traces what led to it. It goes on the last one, and is linked to the others. Not empty.
 */
export const startSend = (tracer: Tracer, topic: string, traces: readonly TraceContext[]): Span =>
  tracer.start(`send ${topic}`, {
    kind: 'producer',
    parent: traces.at(-1),
    links: traces.slice(0, -1),
    attributes: {
      'messaging.system': 'kafka',
      'messaging.operation.type': 'send',
      'messaging.operation.name': 'send',
      'messaging.destination.name': topic,
    },
  });

/** One span for the records of one change. @param traces as in startSend. */
export const traceRecords = (
  tracer: Tracer,
  records: readonly OutgoingRecord[],
  traces: readonly TraceContext[],
): TracedRecords => {
  const span = startSend(tracer, records.at(-1)?.topic ?? '', traces);
  return { span, records: records.map((record) => ({ ...record, headers: withTrace(record.headers, span.context) })) };
};

/** @param place undefined: the broker did not say it. */
export const endSent = (span: Span, place: Place | undefined): void => {
  if (place !== undefined)
    span.set({
      'messaging.destination.partition.id': String(place.partition),
      'messaging.kafka.offset': Number(place.offset),
    });
  span.end();
};

/** The daemon stops before Kafka has them. */
export const endUnsent = (span: Span): void => {
  span.end('stopped');
};

/** Where Kafka holds a record; undefined where the broker did not say it. */
export const placeOf = (
  record: OutgoingRecord | undefined,
  acknowledgements: readonly Acknowledgement[],
): Place | undefined => {
  if (record === undefined) return undefined;
  for (const acknowledgement of acknowledgements) {
    const { topic, partition } = acknowledgement;
    const offset = topic === record.topic ? acknowledgement.offsetOf(record) : undefined;
    if (offset !== undefined) return { topic, partition, offset };
  }
  return undefined;
};
