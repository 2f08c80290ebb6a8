import type { IncomingRecord } from '../clients/kafka/port.ts';
import { fingerprintOf } from '../codecs/fingerprint.ts';
import { databaseOf, publishedHeaders } from '../codecs/record-headers.ts';
import { type KeyName, keyName } from '../core/key-name.ts';
import type { PublishedState, PublishedStates } from './published-states.ts';

/** Where the records of one source and database are. */
export interface PublishedTopics {
  readonly db: number;
  /** The one topic of every key; undefined where name or type choose among several. */
  readonly only: string | undefined;
  /** Of the topics that may hold such records: others may match too. */
  readonly pattern: RegExp;
  /** The topic to which a key's state goes. */
  topicOf(key: KeyName, redisType: string): string;
}

/**
 * Takes records into the store, topic by topic. A key whose type changed stands on two topics for a while, and left a
 * tombstone on the first one: in whatever order they are read, the state that has none is known in the end.
 */
export class TopicRecords {
  readonly #published: Pick<PublishedStates, 'get' | 'remember'>;
  readonly #topics: PublishedTopics;
  /** States that stand on other topics than the known one, for keys that have such. */
  readonly #elsewhere = new Map<KeyName, readonly PublishedState[]>();

  constructor(published: Pick<PublishedStates, 'get' | 'remember'>, topics: PublishedTopics) {
    this.#published = published;
    this.#topics = topics;
  }

  take(topic: string, record: IncomingRecord): void {
    if (record.key === null || !this.#isOurs(record)) return;
    const key = keyName(record.key);
    const state = record.value === null ? undefined : stateOf(record, record.value);
    if (state !== undefined && this.#topics.topicOf(key, state.redisType) !== topic) return;
    // A topic of its own has no other beside it: whatever came before does not matter, and need not be looked up.
    if (this.#topics.only === undefined) this.#takeOneOfSeveral(topic, key, state);
    else this.#published.remember([{ key, state }], []);
  }

  #takeOneOfSeveral(topic: string, key: KeyName, state: PublishedState | undefined): void {
    const known = this.#published.get(key);
    const standing = [...(this.#elsewhere.get(key) ?? []), ...(known === undefined ? [] : [known])].filter(
      ({ redisType }) => this.#topics.topicOf(key, redisType) !== topic,
    );
    if (state !== undefined) standing.push(state);
    const next = standing.pop();
    if (next !== known) this.#published.remember([{ key, state: next }], []);
    if (standing.length > 0) this.#elsewhere.set(key, standing);
    else this.#elsewhere.delete(key);
  }

  /** On a topic of its own even what somebody else wrote counts, so that it is published over. */
  #isOurs({ value, headers }: IncomingRecord): boolean {
    const db = databaseOf(headers);
    return db === undefined ? value === null || this.#topics.only !== undefined : db === this.#topics.db;
  }
}

const stateOf = ({ headers }: IncomingRecord, value: Buffer): PublishedState => {
  const { redisType, expireAt } = publishedHeaders(headers);
  return { fingerprint: fingerprintOf(value, expireAt), redisType, expireAt };
};
