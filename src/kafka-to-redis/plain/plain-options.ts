import { KeyferryError } from '../../core/errors.ts';
import { type KeyTemplate, parseKeyTemplate } from './key-template.ts';
import type { PlainFormat } from './plain-record.ts';

/** What replaces the key that it is written to. */
export type ReplacedType = 'string' | 'hash' | 'set' | 'zset' | 'json';
/** What a record adds one item to. */
export type AppendedType = 'list' | 'stream';

export interface PlainOptions {
  /** json: each value is one JSON value, in UTF-8; string: it is taken as the bytes that it is. */
  readonly format: PlainFormat;
  /** The Redis key that a record is written to, as parseKeyTemplate reads it. */
  readonly key: string;
  readonly as: ReplacedType | AppendedType;
  /** How long a key lives after a write; absent or 0: for good. */
  readonly expireMs?: number | undefined;
  /** Of a list, exactly; of a stream, at least. What is older is removed. */
  readonly maxLength?: number | undefined;
  /** The end of a list that is pushed to; `left` where absent. */
  readonly push?: 'left' | 'right' | undefined;
}

export const isAppended = (as: PlainOptions['as']): as is AppendedType => as === 'list' || as === 'stream';

/** Types that a value without structure can be written as. */
const OF_A_STRING: readonly PlainOptions['as'][] = ['string', 'list', 'stream'];

/**
 * The key template of options that fit each other.
 * @throws KF_CONFIG_INVALID
 */
export const checkPlainOptions = ({ format, key, as, maxLength }: PlainOptions): KeyTemplate => {
  const template = parseKeyTemplate(key);
  if (format === 'string' && !OF_A_STRING.includes(as)) {
    throw invalid(`as: ${as} takes a value apart, so it needs format: json. A string may be a string, list or stream`);
  }
  if (format === 'string' && template.usesPaths) {
    throw invalid('the key names parts of the value, so it needs format: json');
  }
  if (maxLength !== undefined && !isAppended(as)) throw invalid(`maxLength is for a list or stream, not for as: ${as}`);
  return template;
};

const invalid = (what: string): KeyferryError => new KeyferryError('KF_CONFIG_INVALID', what);
