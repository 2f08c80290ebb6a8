import { readFileSync } from 'node:fs';

import { KeyferryError, messageOf } from '../../../core/errors.ts';

/** A secret that was given as it is, or in a file that may be written anew while we run. */
export interface Secret {
  readonly text?: string | undefined;
  readonly file?: string | undefined;
}

/**
 * Gives the secret as it is now, each time it is asked; what the file held last stays in use while it cannot be read.
 * The file's last line break is not part of it.
 * @throws KF_KAFKA_AUTH where a file could never be read
 */
export const secretReader = ({ text, file }: Secret): (() => string) => {
  let last = text;
  return () => {
    if (file === undefined) return last ?? '';
    try {
      last = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    } catch (error) {
      if (last === undefined) throw new KeyferryError('KF_KAFKA_AUTH', `kafka.sasl: ${messageOf(error)}`);
    }
    return last;
  };
};
