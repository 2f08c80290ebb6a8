import type { OutgoingRecord } from '../../clients/kafka/port.ts';
import { encodeState } from '../../codecs/key-record.ts';
import { fingerprintOf } from '../../codecs/fingerprint.ts';
import { type HeaderWriter, publishedHeaders } from '../../codecs/record-headers.ts';
import { type KeyName, keyBytes } from '../../core/key-name.ts';
import type { GoneOp, RecordFormat } from '../../core/key-record.ts';
import type { PublishedState } from '../../state-store/published-states.ts';
import type { Change } from '../converge/change-detection.ts';
import type { TopicRoute } from './routing.ts';

type RealChange = Exclude<Change, { kind: 'unchanged' }>;

export interface RecordMakerOptions {
  readonly route: TopicRoute;
  readonly headers: HeaderWriter;
  readonly format: RecordFormat;
}

/** Turns a key's change into its records. */
export class RecordMaker {
  readonly #options: RecordMakerOptions;
  /** Records that the broker found too large, with what was published in their place. */
  readonly #shrunk = new WeakMap<OutgoingRecord, PublishedState>();

  constructor(options: RecordMakerOptions) {
    this.#options = options;
  }

  /**
   * @param known what the topic holds for the key; where that is on another topic, it gets a tombstone there.
   * @param seenAt Unix ms.
   */
  make(
    name: KeyName,
    change: RealChange,
    known: PublishedState | undefined,
    seenAt: number,
  ): readonly OutgoingRecord[] {
    const { route, headers } = this.#options;
    if (change.kind === 'gone') return [this.#tombstone(name, change.op, known ?? change.known, seenAt)];
    const { redisType, expireAt } = change.published;
    const record = {
      topic: route.topicOf(name, redisType),
      key: keyBytes(name),
      value: change.bytes,
      headers: headers.set({ redisType, expireAt, ts: seenAt }),
    };
    if (route.only !== undefined || known === undefined || route.topicOf(name, known.redisType) === record.topic)
      return [record];
    return [this.#tombstone(name, 'del', known, seenAt), record];
  }

  /** The record with its value left out, for one that the broker finds too large; itself where that would not help. */
  shrink(record: OutgoingRecord): OutgoingRecord {
    if (record.value === null) return record;
    const { redisType, expireAt } = publishedHeaders(record.headers);
    const omitted = { value: { type: 'omitted', redisType, bytes: record.value.length }, expireAt } as const;
    const value = encodeState(omitted, this.#options.format);
    if (value.length >= record.value.length) return record;
    this.#shrunk.set(record, { fingerprint: fingerprintOf(value, expireAt), redisType, expireAt });
    return { ...record, value };
  }

  /** What the topic holds once the records of a change are acknowledged. */
  publishedAs(change: RealChange, records: readonly OutgoingRecord[]): PublishedState | undefined {
    if (change.kind === 'gone') return undefined;
    const last = records.at(-1);
    return (last && this.#shrunk.get(last)) ?? change.published;
  }

  #tombstone(name: KeyName, op: GoneOp, { redisType }: PublishedState, seenAt: number): OutgoingRecord {
    const { route, headers } = this.#options;
    return {
      topic: route.topicOf(name, redisType),
      key: keyBytes(name),
      value: null,
      headers: headers.gone({ op, redisType, ts: seenAt }),
    };
  }
}
