import type { IncomingRecord, KafkaDriver, OutgoingRecord } from '../../clients/kafka/port.ts';
import { KeyferryError } from '../../core/errors.ts';
import { isTransient } from '../../core/retry.ts';
import { letter } from '../../dead-letters/letter.ts';

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
  close(): Promise<void>;
}

export interface DeadLetterOptions {
  /** The sink's. */
  readonly name: string;
  readonly deadLetter?: string | undefined;
}

/**
 * The sink's dead-letter topic, created where it does not exist; where the sink has none, poison stops it.
 * @throws KF_KAFKA_UNAVAILABLE, KF_KAFKA_TOPIC_MISSING, KF_KAFKA_REFUSED
 */
export const openDeadLetters = async (
  { name, deadLetter }: DeadLetterOptions,
  kafka: KafkaDriver,
): Promise<DeadLetters> => {
  if (deadLetter === undefined) {
    const put: DeadLetters['put'] = (poison) =>
      Promise.reject(stopped(name, poison, 'the sink has no dead-letter topic'));
    return { put, close: () => Promise.resolve() };
  }
  await ensureTopic(kafka, deadLetter);
  const producer = await kafka.producer();
  return {
    put: async (poison) => {
      try {
        const letters = poison.map((each) => letterOf(each, name, deadLetter));
        await producer.send(letters);
      } catch (error) {
        if (isTransient(error)) throw error;
        throw stopped(name, poison, `the dead-letter topic ${deadLetter} does not take it`, error);
      }
    },
    close: () => producer.close(),
  };
};

const ensureTopic = async (kafka: KafkaDriver, topic: string): Promise<void> => {
  const admin = kafka.admin();
  try {
    if ((await admin.describe(topic)) === undefined) await admin.create({ name: topic, partitions: 1, config: {} });
  } finally {
    await admin.close();
  }
};

const letterOf = ({ topic, partition, record, error }: Poison, sink: string, deadLetter: string): OutgoingRecord => {
  const place = { topic, partition: String(partition), offset: String(record.offset) };
  const stage = error.code === 'KF_REDIS_REFUSED' ? 'TASK_PUT' : 'VALUE_CONVERTER';
  return letter({ record, place, stage, error }, { flow: sink, topic: deadLetter });
};

const stopped = (sink: string, poison: readonly Poison[], why: string, cause?: unknown): KeyferryError => {
  const places = poison.map(
    ({ topic, partition, record: { offset }, error: { code, message } }) =>
      `${topic}, partition ${partition}, offset ${offset} (${code}: ${message})`,
  );
  const others = places.length > 1 ? ` and ${places.length - 1} more` : '';
  return new KeyferryError(
    'KF_SINK_STOPPED',
    `sink ${sink} cannot apply the record at ${places[0] ?? ''}${others}, and ${why}. Nothing was skipped: ` +
      'give the sink a deadLetter topic that takes it, or move the group past the record, and start again',
    { cause },
  );
};
