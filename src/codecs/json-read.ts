import { isUtf8 } from 'node:buffer';
import { KeyferryError } from '../core/errors.ts';

// What the decoders share. Errors say what is wrong, and never quote a value.

export type Json = Readonly<Record<string, unknown>>;
/** A JSON string as the byte string that it stands for. `what` names its place in an error. */
export type Unquote = (text: unknown, what: string) => Buffer;

/** @throws KF_RECORD_UNREADABLE */
export const utf8Of = (bytes: Buffer): string => {
  if (!isUtf8(bytes)) throw unreadable('the JSON is not valid UTF-8');
  return bytes.toString('utf8');
};

/** V8's own message quotes the text: it may be a value. */
export const parseText = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable('the JSON is damaged');
  }
};

export const unquoteFor = (encoding: unknown): Unquote => {
  if (encoding === undefined) return fromText;
  if (encoding === 'base64') return fromBase64;
  throw unreadable('encoding is not base64');
};

const fromText: Unquote = (text, what) => {
  const known = stringOf(text, what);
  if (!known.isWellFormed()) throw unreadable(`${what} holds half a surrogate pair`);
  return Buffer.from(known, 'utf8');
};

/** Strict, so that two texts never stand for the same bytes. */
export const fromBase64: Unquote = (text, what) => {
  const bytes = Buffer.from(stringOf(text, what), 'base64');
  if (bytes.toString('base64') !== text) throw unreadable(`${what} is not base64`);
  return bytes;
};

export const stringOf = (value: unknown, what: string): string => {
  if (typeof value !== 'string') throw unreadable(`${what} is not a JSON string`);
  return value;
};

export const arrayOf = (value: unknown, what: string): readonly unknown[] => {
  if (!Array.isArray(value)) throw unreadable(`${what} is not a JSON array`);
  return value;
};

export const objectOf = (value: unknown, what: string): Json => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw unreadable(`${what} is not a JSON object`);
  }
  return value as Json;
};

export const countOf = (value: unknown, what: string): number => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw unreadable(`${what} is not a whole number`);
  return value as number;
};

export const unreadable = (what: string): KeyferryError => new KeyferryError('KF_RECORD_UNREADABLE', what);
