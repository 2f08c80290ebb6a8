import type { IncomingRecord, RecordBatch } from '../../clients/kafka/port.ts';
import { KeyferryError } from '../../core/errors.ts';
import { type Json, compactText, parseJson } from './json-text.ts';

export type PlainFormat = 'json' | 'string';
export type Place = Pick<RecordBatch, 'topic' | 'partition'>;

/** A record of any producer. Its value is read once, and only where someone asks for it. */
export class PlainRecord {
  readonly record: IncomingRecord;
  readonly place: Place;
  readonly #format: PlainFormat;
  #json: Json | undefined;

  constructor(record: IncomingRecord, place: Place, format: PlainFormat) {
    this.record = record;
    this.place = place;
    this.#format = format;
  }

  /** @throws KF_RECORD_UNREADABLE where it is no JSON */
  get json(): Json {
    this.#json ??= parseJson(this.#bytes);
    return this.#json;
  }

  /** What it is as one byte string: the value as it is; of JSON a string's content, or else its compact text. */
  get text(): Buffer {
    return this.#format === 'string' ? this.#bytes : Buffer.from(compactText(this.json));
  }

  /**
   * The scalar at a path of names, and of positions in arrays; the whole value where the path is empty.
   * @throws KF_RECORD_UNREADABLE where there is none: what is absent or null never becomes text.
   */
  scalarAt(path: readonly string[]): Buffer {
    if (this.#format === 'string') return this.#bytes;
    let found: Json | undefined = this.json;
    for (const name of path) found = memberOf(found, name);
    const where = path.length === 0 ? 'the value' : `the value's ${path.join('.')}, which the key needs,`;
    if (found === undefined || found.type === 'null') throw unreadable(`${where} is missing or null`);
    if (found.type === 'array' || found.type === 'object') throw unreadable(`${where} is an ${found.type}`);
    return Buffer.from(found.text);
  }

  get #bytes(): Buffer {
    const { value } = this.record;
    if (value === null) throw unreadable('the value is null, and the key needs a part of it');
    return value;
  }
}

const POSITION = /^(?:0|[1-9]\d*)$/;

const memberOf = (json: Json | undefined, name: string): Json | undefined => {
  if (json?.type === 'object') return json.members.get(name);
  return json?.type === 'array' && POSITION.test(name) ? json.items[Number(name)] : undefined;
};

const unreadable = (what: string): KeyferryError => new KeyferryError('KF_RECORD_UNREADABLE', what);
