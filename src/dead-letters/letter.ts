import type { OutgoingRecord } from '../clients/kafka/port.ts';
import type { KeyferryError } from '../core/errors.ts';

/** Where it failed, in the words of Kafka Connect. */
export type Stage = 'KEY_CONVERTER' | 'VALUE_CONVERTER' | 'TASK_PUT' | 'KAFKA_PRODUCE';

/** Begins the names of the headers that make a record a letter. */
export const ERROR_HEADER = '__connect.errors.';

/** What a flow cannot carry on, where it stands, and why. */
export interface Poison {
  readonly record: Pick<OutgoingRecord, 'key' | 'value' | 'headers'>;
  /** The record's topic, partition and offset; of what comes from Redis, the topic that it was meant for. */
  readonly place: Readonly<Partial<Record<'topic' | 'partition' | 'offset', string>>>;
  readonly stage: Stage;
  readonly error: KeyferryError;
}

export interface Envelope {
  /** The source or sink that it comes from. */
  readonly flow: string;
  /** The dead-letter topic. */
  readonly topic: string;
}

/** As Kafka Connect writes them: key, value and headers unchanged, the place and the cause in further headers. */
export const letter = ({ record, place, stage, error }: Poison, { flow, topic }: Envelope): OutgoingRecord => {
  const added = {
    ...place,
    'connector.name': flow,
    stage,
    'exception.class.name': error.code,
    'exception.message': error.message,
  };
  const headers = new Map(record.headers);
  for (const [name, text] of Object.entries(added)) headers.set(`${ERROR_HEADER}${name}`, Buffer.from(text));
  return { topic, key: record.key, value: record.value, headers };
};
