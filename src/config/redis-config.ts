import type { RedisConfig } from './app-config.ts';
import { type Surroundings, readSecret } from './secret.ts';
import type { Path } from './setting.ts';

interface RedisValues {
  readonly url: string | undefined;
  readonly password: string | undefined;
  readonly passwordFile: string | undefined;
}

/** The database that a Redis URL names, or 0. */
export const databaseOf = (url: string): number => Number(new URL(url).pathname.slice(1));

/**
 * A Redis with its password in the URL, wherever it was given.
 * @returns undefined where no URL is given.
 */
export const redisConfig = (values: RedisValues, path: Path, from: Surroundings): RedisConfig | undefined => {
  const password = readSecret('password', values, path, from);
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

/** The URL without what must not be shown. */
export const redactedUrl = (text: string): string => {
  const url = new URL(text);
  if (url.password !== '') url.password = '***';
  return url.href;
};
