import { messageOf } from '../core/errors.ts';
import type { ConfigDocument } from './document.ts';
import type { Path } from './setting.ts';

/** What a secret is read with. */
export interface Surroundings {
  readonly document: Pick<ConfigDocument, 'add'>;
  readonly readFile: (path: string) => string;
}

/**
 * A secret that stands in the key `name`, or in the file that the key `<name>File` tells; its last line break is not
 * part of it. What is wrong is among the document's problems.
 * @param path of the section that holds both keys.
 */
export const readSecret = <Name extends string>(
  name: Name,
  values: Readonly<Record<Name | `${Name}File`, string | undefined>>,
  path: Path,
  { document, readFile }: Surroundings,
): string | undefined => {
  const file = values[`${name}File`];
  if (file === undefined) return values[name];
  const key = [...path, `${name}File`];
  if (values[name] !== undefined) document.add(key, `is one ${name} and the one beside it another: remove one`);
  try {
    const secret = readFile(file).replace(/\r?\n$/, '');
    if (secret === '') document.add(key, `${file} is empty: write the ${name} into it`);
    return secret;
  } catch (error) {
    document.add(key, `cannot be read: ${messageOf(error)}`);
    return undefined;
  }
};
