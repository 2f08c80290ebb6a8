import type { RedisConnection } from '../../clients/redis/port.ts';
import type { AppendOptions, ReadAddition } from '../append/append-batch.ts';
import type { ReadRecord } from '../consume/apply-batch.ts';
import type { RecordReader } from '../consume/record-reader.ts';
import { appendedValues } from './appended-values.ts';
import type { KeyTemplate } from './key-template.ts';
import { type AppendedType, type PlainOptions, type ReplacedType, checkPlainOptions } from './plain-options.ts';
import { PlainRecord } from './plain-record.ts';
import { plainReplacement } from './plain-replacement.ts';
import { type SizeLimits, checkSize, readSizeLimits } from './size-limits.ts';

/** What a plain sink asks of records of any producer. */
export type PlainSink = PlainOptions & Pick<AppendOptions, 'name' | 'topics'>;

interface Means {
  readonly template: KeyTemplate;
  readonly limits: SizeLimits;
}

/** @throws KF_CONFIG_INVALID, KF_REDIS_UNAVAILABLE */
export const openPlainReader = async (sink: PlainSink, connection: RedisConnection): Promise<RecordReader> => {
  const means = { template: checkPlainOptions(sink), limits: await readSizeLimits(connection) };
  switch (sink.as) {
    case 'list':
    case 'stream':
      return additionReader({ ...sink, as: sink.as }, means);
    default:
      return { effect: 'replace', read: replacementReader({ ...sink, as: sink.as }, means) };
  }
};

const replacementReader = (
  options: PlainOptions & { readonly as: ReplacedType },
  { template, limits }: Means,
): ReadRecord => {
  return (record, batch) => {
    const plain = new PlainRecord(record, batch, options.format);
    const key = template.keyOf(plain);
    checkSize([key], limits);
    const replacement = (): ReturnType<typeof plainReplacement> => {
      const made = plainReplacement(plain, options);
      if (made !== undefined) checkSize(made, limits);
      return made;
    };
    return { key, replacement };
  };
};

const additionReader = (
  sink: PlainSink & { readonly as: AppendedType },
  { template, limits }: Means,
): Extract<RecordReader, { effect: 'append' }> => {
  const { name, topics, maxLength, expireMs, as, format, push = 'left' } = sink;
  const listVerb = push === 'left' ? 'LPUSH' : 'RPUSH';
  const verb = as === 'stream' ? 'XADD' : listVerb;
  const read: ReadAddition = (record, batch) => {
    const plain = new PlainRecord(record, batch, format);
    const key = template.keyOf(plain);
    const values = appendedValues(plain, { as, format });
    checkSize([key, ...values], limits);
    return { key, values };
  };
  return { effect: 'append', read, options: { name, topics, verb, maxLength, expireMs } };
};
