import { type KeyName, keyBytes } from '../../core/key-name.ts';
import { percentEncoded } from './percent.ts';

const PLACEHOLDER = /\{(key|[1-9]\d*)\}/g;

/**
 * Where the value of a key is fetched: `{key}`, and `{1}` `{2}` ... for its ":"-separated parts, percent-encoded.
 * @returns undefined where the key has no such part, or one that a URL would take for a step between its folders.
 */
export const originUrl = (template: string, key: KeyName): string | undefined => {
  const bytes = keyBytes(key);
  const parts = key.split(':').map((part) => Buffer.from(part, 'latin1'));
  const textOf = (name: string): string => {
    const part = name === 'key' ? bytes : parts[Number(name) - 1];
    return part === undefined ? '' : percentEncoded(part);
  };
  const used = Array.from(template.matchAll(PLACEHOLDER), ([, name = '']) => textOf(name));
  if (used.some((text) => text === '' || text === '.' || text === '..')) return undefined;
  return template.replace(PLACEHOLDER, (_, name: string) => textOf(name));
};
