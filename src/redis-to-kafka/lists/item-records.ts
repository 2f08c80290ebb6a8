import type { OutgoingRecord } from '../../clients/kafka/port.ts';
import { KeyferryError } from '../../core/errors.ts';
import { RECORD_VERSION } from '../../core/key-record.ts';
import { LIST_HEADER } from '../../core/list-record.ts';
import { letter } from '../../dead-letters/letter.ts';

const VERSION = Buffer.from(RECORD_VERSION);
const NAME = '{key}';

/** Where a list's items go. */
export interface ItemRoute {
  /** The list's name. */
  readonly list: Buffer;
  readonly topic: string;
  readonly recordKey: Buffer | null;
}

/** @param template with `{key}`, the list's name as its bytes are; undefined: no key. */
export const recordKeyOf = (template: string | undefined, list: Buffer): Buffer | null => {
  if (template === undefined) return null;
  const parts = template.split(NAME).map((part) => Buffer.from(part));
  return Buffer.concat(parts.flatMap((part, at) => (at === 0 ? [part] : [list, part])));
};

export interface ItemRecordsOptions {
  readonly source: string;
  /** The dead-letter topic. Without it, what cannot become a record stops the source. */
  readonly deadLetter: string | undefined;
  /** Id of the Redis deployment. */
  readonly origin: string;
}

/** Makes items' records, and the dead letter of one that is too large. */
export class ItemRecords {
  readonly #options: ItemRecordsOptions;
  readonly #origin: Buffer;
  /** Records that a dead letter stands for. */
  readonly #dead = new WeakSet<OutgoingRecord>();

  constructor(options: ItemRecordsOptions) {
    this.#options = options;
    this.#origin = Buffer.from(options.origin);
  }

  /** @param ts Unix ms at which the items were taken. */
  make({ list, topic, recordKey }: ItemRoute, items: readonly Buffer[], ts: number): readonly OutgoingRecord[] {
    const headers = new Map([
      [LIST_HEADER.list, list],
      [LIST_HEADER.ts, Buffer.from(String(ts))],
      [LIST_HEADER.origin, this.#origin],
      [LIST_HEADER.version, VERSION],
    ]);
    return items.map((value) => ({ topic, key: recordKey, value, headers }));
  }

  /** In place of a record that is too large for its topic. @throws KF_SOURCE_STOPPED */
  tooLarge(record: OutgoingRecord): OutgoingRecord {
    const { source, deadLetter } = this.#options;
    const { topic, value } = record;
    const why = `an item of ${value?.length ?? 0} bytes is too large for topic ${topic}`;
    if (deadLetter === undefined) throw this.#stopped(record, why, 'the source has no dead-letter topic');
    if (topic === deadLetter) throw this.#stopped(record, why, 'that is the dead-letter topic');
    this.#dead.add(record);
    const error = new KeyferryError('KF_KAFKA_RECORD_TOO_LARGE', why);
    return letter({ record, place: { topic }, stage: 'KAFKA_PRODUCE', error }, { flow: source, topic: deadLetter });
  }

  /** How many of the records went to the dead-letter topic. */
  countDead(records: readonly OutgoingRecord[]): number {
    return records.reduce((count, record) => (this.#dead.has(record) ? count + 1 : count), 0);
  }

  #stopped({ headers }: OutgoingRecord, why: string, andSo: string): KeyferryError {
    return new KeyferryError(
      'KF_SOURCE_STOPPED',
      `source ${this.#options.source} cannot publish what it took from list ${String(headers.get(LIST_HEADER.list))}: ` +
        `${why}, and ${andSo}. Nothing was lost, the item stands in the processing list: give the source a deadLetter ` +
        'topic that takes it, or raise max.message.bytes, and start again',
    );
  }
}
