import type { KafkaDriver, OutgoingRecord, RecordProducer } from '../../clients/kafka/port.ts';
import { KeyferryError, isKeyferryError } from '../../core/errors.ts';
import { isTransient } from '../../core/retry.ts';
import type { Letter } from '../../dead-letters/read-letter.ts';
import type { Redelivered } from '../../dead-letters/redelivery.ts';

export interface RepublishOptions {
  readonly kafka: KafkaDriver;
  /** Whether records of this source may go to the topic. */
  readonly isTarget: (topic: string) => boolean;
  /** The key of a letter's record, as it would be made today. @throws KF_RECORD_KEY_MISSING, KF_RECORD_UNREADABLE */
  readonly keyOf: (letter: Letter) => Buffer | null;
}

/**
 * Sends what a source put aside to the topics that it was meant for, behind what they hold by now.
 * @throws KF_KAFKA_UNAVAILABLE where nothing was sent.
 */
export const republish = async (
  letters: readonly Letter[],
  options: RepublishOptions,
): Promise<ReadonlyMap<Letter, Redelivered>> => {
  const outcomes = new Map<Letter, Redelivered>();
  const producer = await options.kafka.producer();
  try {
    for (const letter of letters) {
      const outcome = await send(letter, producer, options);
      if (isTransient(outcome) && outcomes.size === 0) throw outcome;
      outcomes.set(letter, outcome);
      // Each of the others would wait as long in vain.
      if (isTransient(outcome)) for (const left of letters.slice(outcomes.size)) outcomes.set(left, outcome);
      if (isTransient(outcome)) break;
    }
  } finally {
    await producer.close();
  }
  return outcomes;
};

const send = async (letter: Letter, producer: RecordProducer, options: RepublishOptions): Promise<Redelivered> => {
  try {
    await producer.send([recordOf(letter, options)]);
    return 'done';
  } catch (error) {
    if (isKeyferryError(error)) return error;
    throw error;
  }
};

const recordOf = (letter: Letter, { isTarget, keyOf }: RepublishOptions): OutgoingRecord => {
  const { topic } = letter.origin;
  if (topic === undefined || !isTarget(topic) || topic === letter.place.topic) {
    const where = topic === undefined ? 'it does not tell the topic' : `${topic} is no topic of its source any more`;
    throw new KeyferryError('KF_RECORD_UNREADABLE', `nobody knows where it is to go: ${where}`);
  }
  return { ...letter.record, topic, key: keyOf(letter) };
};
