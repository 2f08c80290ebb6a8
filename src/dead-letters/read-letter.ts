import { isUtf8 } from 'node:buffer';
import type { IncomingRecord, OutgoingRecord } from '../clients/kafka/port.ts';
import type { Place } from '../core/place.ts';
import { ERROR_HEADER, type Stage } from './letter.ts';
import type { LetterRow } from './letters.ts';

/** A dead letter as its topic holds it. Whatever its headers lack, or anybody wrote into them, is undefined. */
export interface Letter {
  /** Where the letter stands. */
  readonly place: Place;
  /** Unix ms. */
  readonly at: number;
  readonly flow: string | undefined;
  readonly stage: Stage | undefined;
  readonly cause: string | undefined;
  readonly message: string | undefined;
  readonly origin: {
    readonly topic: string | undefined;
    readonly partition: number | undefined;
    readonly offset: bigint | undefined;
  };
  /** As it was before it became a letter. */
  readonly record: Pick<OutgoingRecord, 'key' | 'value' | 'headers'>;
}

export const letterId = ({ topic, partition, offset }: Place): string => `${topic}/${partition}/${offset}`;

const ID = /^([\w.-]+)\/(\d{1,9})\/(\d{1,19})$/;

/** undefined: it is no id. */
export const placeOfLetter = (id: string): Place | undefined => {
  const [, topic, partition, offset] = ID.exec(id) ?? [];
  if (topic === undefined || partition === undefined || offset === undefined) return undefined;
  return { topic, partition: Number(partition), offset: BigInt(offset) };
};

const STAGES: Readonly<Record<Stage, true>> = {
  KEY_CONVERTER: true,
  VALUE_CONVERTER: true,
  TASK_PUT: true,
  KAFKA_PRODUCE: true,
};
const isStage = (text: string | undefined): text is Stage => text !== undefined && text in STAGES;
const DIGITS = /^\d{1,19}$/;

export const readLetter = (topic: string, partition: number, record: IncomingRecord): Letter => {
  const { key, value, offset, timestamp: at, headers } = record;
  const said = (name: string): string | undefined => headers.get(`${ERROR_HEADER}${name}`)?.toString();
  const number = (name: string): string | undefined => {
    const text = said(name);
    return text !== undefined && DIGITS.test(text) ? text : undefined;
  };
  const [originPartition, originOffset] = [number('partition'), number('offset')];
  const stage = said('stage');
  return {
    place: { topic, partition, offset },
    at,
    flow: said('connector.name'),
    stage: isStage(stage) ? stage : undefined,
    cause: said('exception.class.name'),
    message: said('exception.message'),
    origin: {
      topic: said('topic'),
      partition: originPartition === undefined ? undefined : Number(originPartition),
      offset: originOffset === undefined ? undefined : BigInt(originOffset),
    },
    record: { key, value, headers: new Map([...headers].filter(([name]) => !name.startsWith(ERROR_HEADER))) },
  };
};

/** Longer ones are cut: a key may have 512 MB. */
const MAX_KEY_BYTES = 1_024;

/** As the API tells of it. */
export const letterRow = ({ place, at, flow, cause, message, origin, record }: Letter): LetterRow => {
  const { topic, partition, offset } = origin;
  return {
    id: letterId(place),
    flow: flow ?? null,
    cause: cause ?? null,
    message: message ?? null,
    at,
    origin: {
      ...(topic !== undefined && { topic }),
      ...(partition !== undefined && { partition }),
      ...(offset !== undefined && { offset: String(offset) }),
    },
    ...keyText(record.key),
    bytes: record.value?.length ?? null,
  };
};

const keyText = (whole: Buffer | null): Pick<LetterRow, 'key' | 'keyEncoding'> => {
  if (whole === null) return { key: null };
  const key = whole.subarray(0, MAX_KEY_BYTES);
  return isUtf8(key) ? { key: key.toString() } : { key: key.toString('base64'), keyEncoding: 'base64' };
};
