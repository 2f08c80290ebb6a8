import { KeyferryError } from '../../core/errors.ts';
import { plainMisfits } from '../../core/plain-rules.ts';
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

/**
 * The key template of options that fit each other.
 * @throws KF_CONFIG_INVALID
 */
export const checkPlainOptions = (options: PlainOptions): KeyTemplate => {
  const template = parseKeyTemplate(options.key);
  const [misfit] = plainMisfits({ ...options, usesPaths: template.usesPaths });
  if (misfit !== undefined) throw new KeyferryError('KF_CONFIG_INVALID', `${misfit.option} ${misfit.what}`);
  return template;
};
