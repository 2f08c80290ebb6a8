import type { IncomingRecord, OutgoingRecord, RecordProducer } from '../../clients/kafka/port.ts';
import { KeyferryError } from '../../core/errors.ts';

/** A record that cannot be applied, where it stands, and why. */
export interface Poison {
  readonly topic: string;
  readonly partition: number;
  readonly record: IncomingRecord;
  readonly error: KeyferryError;
}

/** Where poison goes. */
export interface DeadLetters {
  /**
   * Resolves when all of it is safe elsewhere.
   * @throws KF_KAFKA_UNAVAILABLE, to be tried again; KF_SINK_STOPPED where it cannot be put aside.
   */
  put(poison: readonly Poison[]): Promise<void>;
}

/** Dead letters as Kafka Connect writes them: key, value and headers unchanged, with the cause and the place in headers. */
export const deadLetterTopic = (options: {
  readonly producer: RecordProducer;
  readonly topic: string;
  readonly sink: string;
}): DeadLetters => ({
  put: async (poison) => {
    try {
      await options.producer.send(poison.map((each) => letter(each, options)));
    } catch (error) {
      if (error instanceof KeyferryError && error.code === 'KF_KAFKA_UNAVAILABLE') throw error;
      const why = `and the dead-letter topic ${options.topic} does not take it`;
      throw stopped(poison, options.sink, why, error);
    }
  },
});

export const noDeadLetters = (sink: string): DeadLetters => ({
  put: (poison) => Promise.reject(stopped(poison, sink, 'and the sink has no deadLetter topic')),
});

const letter = (
  { topic, partition, record, error }: Poison,
  to: { readonly topic: string; readonly sink: string },
): OutgoingRecord => {
  const cause = {
    topic,
    partition: String(partition),
    offset: String(record.offset),
    'connector.name': to.sink,
    stage: error.code === 'KF_REDIS_REFUSED' ? 'TASK_PUT' : 'VALUE_CONVERTER',
    'exception.class.name': error.code,
    'exception.message': error.message,
  };
  const headers = new Map(record.headers);
  for (const [name, text] of Object.entries(cause)) headers.set(`__connect.errors.${name}`, Buffer.from(text));
  return { topic: to.topic, key: record.key, value: record.value, headers };
};

const stopped = (poison: readonly Poison[], sink: string, why: string, cause?: unknown): KeyferryError => {
  const [first] = poison;
  const place = first === undefined ? '' : `${first.topic}, partition ${first.partition}, offset ${first.record.offset}`;
  return new KeyferryError(
    'KF_SINK_STOPPED',
    `sink ${sink} cannot apply the record at ${place} (${first?.error.message ?? ''}), ${why}. ` +
      'Configure deadLetter and create that topic, or mend or delete the record; then start again: nothing was skipped',
    { cause: cause ?? first?.error },
  );
};
