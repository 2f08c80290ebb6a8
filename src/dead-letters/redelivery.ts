import type { KeyferryError } from '../core/errors.ts';
import type { Letter } from './read-letter.ts';

/**
 * What became of a letter: `superseded`: its key has a newer record, and it was passed over; an error: it stays a letter.
 */
export type Redelivered = 'done' | 'superseded' | KeyferryError;

/** A flow that puts aside what it cannot carry, and takes it back. */
export interface Addressee {
  readonly name: string;
  /** undefined: it puts nothing aside. */
  readonly deadLetter: string | undefined;
  /**
   * Tries them again: a source publishes them where they were to go, a sink applies them, and it alone. Repeated, it ends
   * as once. Letters are its own.
   * @throws KF_REDIS_UNAVAILABLE, KF_KAFKA_UNAVAILABLE: any of them may have been delivered.
   */
  redeliver(letters: readonly Letter[]): Promise<ReadonlyMap<Letter, Redelivered>>;
}
