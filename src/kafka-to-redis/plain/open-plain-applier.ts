import { type AppendOptions, Appender, type ReadAddition } from '../append/append-batch.ts';
import type { Applier, Target } from '../consume/applier.ts';
import { type ReadRecord, applyBatch } from '../consume/apply-batch.ts';
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

/** @throws KF_CONFIG_INVALID, KF_REDIS_UNAVAILABLE, KF_KAFKA_UNAVAILABLE, KF_KAFKA_AUTH */
export const openPlainApplier = async (sink: PlainSink, target: Target): Promise<Applier> => {
  const means = { template: checkPlainOptions(sink), limits: await readSizeLimits(target.connection) };
  switch (sink.as) {
    case 'list':
    case 'stream':
      return openAppender({ ...sink, as: sink.as }, target, means);
    default: {
      const read = replacementReader({ ...sink, as: sink.as }, means);
      return { apply: (batch) => applyBatch(batch, target, read) };
    }
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

const openAppender = (
  sink: PlainSink & { readonly as: AppendedType },
  target: Target,
  { template, limits }: Means,
): Promise<Appender> => {
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
  return Appender.open({ name, topics, verb, maxLength, expireMs }, target, read);
};
