export interface StreamSourceOptions {
  readonly name: string;
  readonly database: number;
  /** Redis globs; one without special characters names a stream, which may appear later. */
  readonly keys: readonly string[];
  /** The consumer group in Redis. */
  readonly group: string;
  /** The name of this consumer in the group: the same after a restart, and no one else's. */
  readonly consumer: string;
  /** Where a group begins that a stream lacks when the source starts. */
  readonly from: 'beginning' | 'end';
  /** A template: publish/routing.ts, without {type}. */
  readonly topic: string;
  readonly partitions: number;
  /** A template: record-key.ts. */
  readonly recordKey: string;
  readonly trim: 'none' | 'acknowledged';
  /** Entries read at once from a stream, at most. */
  readonly batch: number;
  /** Entries that another consumer left unacknowledged for so long are taken over; 0: never. */
  readonly claimAfterMs: number;
  readonly discoverEveryMs: number;
  /** Where goes what cannot become a record; without it, such an entry stops the source. */
  readonly deadLetter?: string | undefined;
}
