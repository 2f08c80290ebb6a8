/** Dead letters, of all flows that have a topic for them. Every action may be repeated: done twice is done once. */
export interface Letters {
  /** The dead-letter topics of all flows. */
  readonly topics: readonly string[];
  /** Those that are not done with, by topic, partition and offset. @throws KF_KAFKA_UNAVAILABLE... */
  list(query: LetterQuery): Promise<LetterPage>;
  /**
   * Gives them back to the flow that put them aside.
   * @throws KF_BUSY while others are being retried or discarded; KF_KAFKA_UNAVAILABLE, KF_STATE_STORE...
   */
  retry(which: LetterChoice): Promise<Settlement>;
  /** They are listed no more; the topic keeps them for as long as it keeps records. @throws as `retry`. */
  discard(which: LetterChoice): Promise<Settlement>;
}

export interface LetterQuery {
  /** undefined: all dead-letter topics, one after the other. */
  readonly topic: string | undefined;
  readonly limit: number;
  /** `next` of the page before. */
  readonly after: string | undefined;
}

export interface LetterRow {
  /** `topic/partition/offset`, of the letter. */
  readonly id: string;
  /** The source or sink that put it aside. */
  readonly flow: string | null;
  /** An error code. */
  readonly cause: string | null;
  readonly message: string | null;
  /** Unix ms at which it was put aside. */
  readonly at: number;
  /** Where the record stood, or was to go. */
  readonly origin: { readonly topic?: string; readonly partition?: number; readonly offset?: string };
  readonly key: string | null;
  /** Where the key is not valid UTF-8. */
  readonly keyEncoding?: 'base64';
  /** Of the value; null: it has none. */
  readonly bytes: number | null;
}

export interface LetterPage {
  readonly letters: readonly LetterRow[];
  /** null: there are no more. */
  readonly next: string | null;
}

/** Letters by id, or all of one topic. */
export type LetterChoice = { readonly ids: readonly string[] } | { readonly topic: string };

export interface Settlement {
  readonly done: number;
  /** Retried, and passed over: their keys have newer records. */
  readonly superseded: number;
  readonly alreadyDone: number;
  /** They stay where they are. */
  readonly failed: readonly { readonly id: string; readonly message: string }[];
  /** There are more than one call may take: ask again. */
  readonly more: boolean;
}
