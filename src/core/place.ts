import type { KeyName } from './key-name.ts';

/** Where Kafka holds a record. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/** A key whose state Kafka holds. */
export interface AcknowledgedKey {
  readonly key: KeyName;
  /** undefined: the state stood on the topic before anybody asked for its place, or the broker did not say it. */
  readonly place: Place | undefined;
}

/** Keys of one database that are about to be written. Followed from before the write, so that no record is missed. */
export interface FollowedKeys {
  /**
   * To be called once Redis has applied the write. Resolves when, for each key, Kafka holds a state that was read after
   * this call, or is found to hold it already. Never rejects; it stays pending while Kafka does not take records.
   */
  acknowledged(): Promise<readonly AcknowledgedKey[]>;
  /** Nobody asks any more. */
  release(): void;
}

/** Why keys cannot be followed: `never` as the mirror is configured, or `not-yet`. */
export interface NotFollowed {
  readonly when: 'never' | 'not-yet';
  readonly reason: string;
}
