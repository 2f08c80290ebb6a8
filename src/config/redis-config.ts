import type { RedisConfig } from './app-config.ts';
import type { ConfigDocument } from './document.ts';
import { messageOf } from '../core/errors.ts';
import type { Path } from './setting.ts';

interface RedisValues {
  readonly url: string | undefined;
  readonly password: string | undefined;
  readonly passwordFile: string | undefined;
}

interface Surroundings {
  readonly document: ConfigDocument;
  readonly readFile: (path: string) => string;
}

/** The database that a Redis URL names, or 0. */
export const databaseOf = (url: string): number => Number(new URL(url).pathname.slice(1));

/**
 * A Redis with its password in the URL, wherever it was given.
 * @returns undefined where no URL is given.
 */
export const redisConfig = (values: RedisValues, path: Path, from: Surroundings): RedisConfig | undefined => {
  const password = passwordOf(values, path, from);
  if (values.url === undefined) {
    if (password !== undefined)
      from.document.add([...path, 'url'], 'is missing: the password beside it is of no server');
    return undefined;
  }
  if (password === undefined) return { url: values.url };
  const url = new URL(values.url);
  if (url.password !== '')
    from.document.add([...path, 'url'], 'has a password, and another stands beside it: remove one');
  url.password = encodeURIComponent(password);
  return { url: url.href };
};

const passwordOf = (values: RedisValues, path: Path, { document, readFile }: Surroundings): string | undefined => {
  const { password, passwordFile } = values;
  if (passwordFile === undefined) return password;
  const key = [...path, 'passwordFile'];
  if (password !== undefined) document.add(key, 'is one password and the one beside it another: remove one');
  try {
    const secret = readFile(passwordFile).replace(/\r?\n$/, '');
    if (secret === '') document.add(key, `${passwordFile} is empty: write the password into it`);
    return secret;
  } catch (error) {
    document.add(key, `cannot be read: ${messageOf(error)}`);
    return undefined;
  }
};

/** The URL without what must not be shown. */
export const redactedUrl = (text: string): string => {
  const url = new URL(text);
  if (url.password !== '') url.password = '***';
  return url.href;
};
