import type { KeyName } from '../core/key-name.ts';

/** What the topic holds for a key: the last state that Kafka acknowledged. */
export interface PublishedState {
  /** Fingerprint of the record (codecs/fingerprint.ts). */
  readonly fingerprint: bigint;
  readonly redisType: string;
  /** Unix ms; undefined where the key does not expire. */
  readonly expireAt: number | undefined;
}

/** A key's new last record; `state` undefined: a tombstone. */
export interface PublishedChange {
  readonly key: KeyName;
  readonly state: PublishedState | undefined;
}

/** Up to where a partition is reflected in the store: every record before `offset` is. */
export interface TopicPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/**
 * What was last published for each key of one database of one source: a cache of the topic, never ahead of it (I4).
 * It stands with the positions up to which it reflects the topic, committed after the states; so whatever a crash cut off is
 * found again by reading the topic from there on, and an empty store by reading all of it.
 */
export interface PublishedStates {
  get(key: KeyName): PublishedState | undefined;
  /** Takes over what Kafka has acknowledged, and the positions that hold once it is in. */
  remember(changes: readonly PublishedChange[], positions: readonly TopicPosition[]): void;
  positions(): readonly TopicPosition[];
  /** Forgets everything: the topic is another one. */
  clear(): void;
  /** Keys known, in no order that means anything, `limit` at most, behind `after`; empty at the end. */
  keys(after: KeyName | undefined, limit: number): readonly KeyName[];
  /** Number of keys known, as of the last commit. */
  count(): number;
}
