import type { OutgoingRecord } from '../../clients/kafka/port.ts';
import { encodeStreamRecord } from '../../codecs/stream-record.ts';
import { withTrace } from '../../codecs/trace-headers.ts';
import { KeyferryError, isKeyferryError } from '../../core/errors.ts';
import { STREAM_HEADER } from '../../core/stream-record.ts';
import { type Span, TRACE_HEADER, type Tracer, parseTraceContext } from '../../core/tracer.ts';
import { type Stage, letter } from '../../dead-letters/letter.ts';
import { startSend } from '../publish/trace-records.ts';
import type { Reading } from './reading.ts';
import type { RecordKey } from './record-key.ts';

export interface EntryRecordsOptions {
  readonly source: string;
  readonly recordKey: RecordKey;
  /** The dead-letter topic. Without it, what cannot become a record stops the source. */
  readonly deadLetter: string | undefined;
  /** Id of the Redis deployment. */
  readonly origin: string;
  /** undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
}

/** An entry that was not deleted. */
export interface Entry {
  readonly id: string;
  readonly fields: readonly Buffer[];
}

/** Makes an entry's record, or the dead letter of one that cannot become a record. */
export class EntryRecords {
  readonly #options: EntryRecordsOptions;
  /** Records that are dead letters, or that a dead letter stands for. */
  readonly #dead = new WeakSet<OutgoingRecord>();
  readonly #spans = new WeakMap<OutgoingRecord, Span>();

  constructor(options: EntryRecordsOptions) {
    this.#options = options;
  }

  /** @param ts Unix ms at which the entry was read. @throws KF_SOURCE_STOPPED */
  make(reading: Reading, entry: Entry, ts: number): OutgoingRecord {
    const { tracer } = this.#options;
    const record = this.#make(reading, entry, ts);
    const trace = tracer && traceIn(entry.fields);
    if (tracer === undefined || trace === undefined || this.#dead.has(record)) return record;
    const span = startSend(tracer, record.topic, [trace]);
    const traced = { ...record, headers: withTrace(record.headers, span.context) };
    this.#spans.set(traced, span);
    return traced;
  }

  /** Of a record that goes on with the trace that its entry brought along. */
  spanOf(record: OutgoingRecord): Span | undefined {
    return this.#spans.get(record);
  }

  #make({ name, topic }: Reading, { id, fields }: Entry, ts: number): OutgoingRecord {
    const { origin, recordKey } = this.#options;
    const { value, headers } = encodeStreamRecord({ stream: name, id, fields, ts, origin });
    try {
      return { topic, key: recordKey({ stream: name, id, fields }), value, headers };
    } catch (error) {
      if (!isKeyferryError(error)) throw error;
      const dead = this.#letter({ topic, key: null, value, headers }, 'KEY_CONVERTER', error);
      this.#dead.add(dead);
      return dead;
    }
  }

  /** In place of a record that is too large for its topic. @throws KF_SOURCE_STOPPED */
  tooLarge(record: OutgoingRecord): OutgoingRecord {
    const { topic } = record;
    const bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0);
    const why = new KeyferryError('KF_KAFKA_RECORD_TOO_LARGE', `${bytes} bytes are too large for topic ${topic}`);
    const dead = this.#letter(record, 'KAFKA_PRODUCE', why);
    this.#dead.add(record);
    return dead;
  }

  /** How many of the records went to the dead-letter topic. */
  countDead(records: readonly OutgoingRecord[]): number {
    return records.reduce((count, record) => (this.#dead.has(record) ? count + 1 : count), 0);
  }

  #letter(record: OutgoingRecord, stage: Stage, error: KeyferryError): OutgoingRecord {
    const { source, deadLetter } = this.#options;
    if (deadLetter === undefined) throw this.#stopped(record, error, 'the source has no dead-letter topic');
    if (record.topic === deadLetter) throw this.#stopped(record, error, 'the dead-letter topic does not take it');
    return letter({ record, place: { topic: record.topic }, stage, error }, { flow: source, topic: deadLetter });
  }

  #stopped({ headers }: OutgoingRecord, error: KeyferryError, why: string): KeyferryError {
    const stream = String(headers.get(STREAM_HEADER.stream));
    const id = String(headers.get(STREAM_HEADER.id));
    return new KeyferryError(
      'KF_SOURCE_STOPPED',
      `source ${this.#options.source} cannot make a record of entry ${id} of stream ${stream} ` +
        `(${error.code}: ${error.message}), and ${why}. Nothing was skipped: give the source a deadLetter topic ` +
        'that takes it, or mend the topic or recordKey, and start again',
      { cause: error },
    );
  }
}

/** Whoever added the entry may have said in its fields what it is part of, in the words of HTTP's headers. */
const traceIn = (fields: readonly Buffer[]): ReturnType<typeof parseTraceContext> =>
  parseTraceContext(fieldIn(fields, TRACE_HEADER.parent), fieldIn(fields, TRACE_HEADER.state));

const fieldIn = (fields: readonly Buffer[], name: string): string | undefined => {
  for (let at = 0; at + 1 < fields.length; at += 2) {
    if (fields[at]?.toString('latin1') === name) return fields[at + 1]?.toString('latin1');
  }
  return undefined;
};
