import { type KeyName, keyBytes } from '../../core/key-name.ts';

const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/u;

/** A key in quotes, on one line: text as it reads, anything else byte by byte (`\x00`), as redis-cli shows it. */
export const keyText = (key: KeyName): string => {
  const text = keyBytes(key).toString('utf8');
  // What is not UTF-8 decodes to other bytes.
  const isText = Buffer.from(text, 'utf8').toString('latin1') === key && !INVISIBLE.test(text);
  const escaped = (isText ? text : key).replace(/["\\]/g, '\\$&');
  return `"${isText ? escaped : escaped.replace(/[^\x20-\x7e]/g, hex)}"`;
};

const hex = (char: string): string => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
