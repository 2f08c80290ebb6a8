export interface ListSourceOptions {
  readonly name: string;
  readonly database: number;
  /** Names of lists, which may appear later. */
  readonly keys: readonly string[];
  /** The end that items are taken from: workers that BRPOP take from the right. */
  readonly take: 'right' | 'left';
  /** A template: publish/routing.ts, without {type}. */
  readonly topic: string;
  readonly partitions: number;
  /** A template with `{key}`, the list's name. Without it, records have no key and go to any partition. */
  readonly recordKey?: string | undefined;
  /** Items taken at once from a list, at most. */
  readonly batch: number;
  /** Where goes what cannot become a record; without it, such an item stops the source. */
  readonly deadLetter?: string | undefined;
}
