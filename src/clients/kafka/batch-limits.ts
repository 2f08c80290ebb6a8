import { KeyferryError } from '../../core/errors.ts';
import type { OutgoingRecord } from './port.ts';
import { recordBodySize } from './record-size.ts';

/** Below the default max.message.bytes (1,048,588), which limits a batch, not a record. */
const DEFAULT_BATCH_BYTES = 1_000_000;
/** A broker's default socket.request.max.bytes: it cuts the connection of whoever sends more. */
const MAX_REQUEST_BYTES = 100 * 1024 * 1024;

/** How large a topic's batches may be: learned from refusals. */
export class BatchLimits {
  readonly #maxBytes = new Map<string, number>();

  of(topic: string): number {
    return this.#maxBytes.get(topic) ?? DEFAULT_BATCH_BYTES;
  }

  /** A batch was refused: smaller ones may pass. @returns KF_KAFKA_RECORD_TOO_LARGE where there is no smaller one */
  refused(topic: string, records: readonly OutgoingRecord[]): KeyferryError | undefined {
    const bytes = sizeOf(records);
    if (records.length === 1) return tooLarge(topic, bytes);
    this.#maxBytes.set(topic, bytes / 2);
    return undefined;
  }
}

/** @throws KF_KAFKA_RECORD_TOO_LARGE for what no broker takes, so that it is not mistaken for a lost connection. */
export const checkSize = (topic: string, records: readonly OutgoingRecord[]): void => {
  if (records.length > 1) return;
  const bytes = sizeOf(records);
  if (bytes > MAX_REQUEST_BYTES) throw tooLarge(topic, bytes);
};

const sizeOf = (records: readonly OutgoingRecord[]): number =>
  records.reduce((total, record) => total + recordBodySize(record, 0), 0);

const tooLarge = (topic: string, bytes: number): KeyferryError =>
  new KeyferryError('KF_KAFKA_RECORD_TOO_LARGE', `a record of ${bytes} bytes is too large for topic ${topic}`);
