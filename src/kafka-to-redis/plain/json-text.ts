import { isUtf8 } from 'node:buffer';
import { KeyferryError } from '../../core/errors.ts';

/**
 * A JSON value that keeps what JSON.parse loses: the digits of its numbers, the order of its members, and that a name
 * stands twice. `text` is a string's content, and of everything else what stands in the record.
 */
export type Json =
  | { readonly type: 'string' | 'number' | 'boolean' | 'null'; readonly text: string }
  | { readonly type: 'array'; readonly text: string; readonly items: readonly Json[] }
  | { readonly type: 'object'; readonly text: string; readonly members: ReadonlyMap<string, Json> };

/** RedisJSON's own limit; a deeper value is an accident or an attack, and would end in a full stack. */
const MAX_DEPTH = 128;
const BYTE_ORDER_MARK = '\ufeff';

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERAL = /true|false|null/y;
const SPACE = /[ \t\n\r]*/y;
const FIRST_PRINTABLE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Reads one JSON value; a byte order mark before it is passed over.
 * @throws KF_RECORD_UNREADABLE that says where, and never quotes: what is no JSON, a name that stands twice in an object
 * (readers disagree on which one counts), half a surrogate pair, more than 128 levels.
 */
export const parseJson = (bytes: Buffer): Json => {
  if (!isUtf8(bytes)) throw unreadable('the JSON is not valid UTF-8');
  const text = bytes.toString('utf8');
  return new JsonReader(text, text.startsWith(BYTE_ORDER_MARK) ? 1 : 0).document();
};

/** A value without the spaces between its parts, and otherwise as it stands in the record. */
export const compactText = ({ text, type }: Json): string => {
  if (type !== 'array' && type !== 'object') return text;
  let compact = '';
  let start = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) isInString = !isInString;
    else if (isInString) at += code === BACKSLASH ? 1 : 0;
    else if (code <= FIRST_PRINTABLE) {
      compact += text.slice(start, at);
      start = at + 1;
    }
  }
  return start === 0 ? text : compact + text.slice(start);
};

class JsonReader {
  readonly #text: string;
  #at: number;

  constructor(text: string, start: number) {
    this.#text = text;
    this.#at = start;
  }

  document(): Json {
    const value = this.#value(1);
    if (this.#next() !== undefined) throw this.#damaged();
    return value;
  }

  #value(depth: number): Json {
    if (depth > MAX_DEPTH) throw unreadable(`the JSON has more than ${MAX_DEPTH} levels`);
    switch (this.#next()) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return { type: 'string', text: this.#string() };
      case 't':
      case 'f':
        return { type: 'boolean', text: this.#match(LITERAL) };
      case 'n':
        return { type: 'null', text: this.#match(LITERAL) };
      default:
        return { type: 'number', text: this.#match(NUMBER) };
    }
  }

  #object(depth: number): Json {
    const start = this.#at;
    const members = new Map<string, Json>();
    this.#each('}', () => {
      if (this.#next() !== '"') throw this.#damaged();
      const name = this.#string();
      if (members.has(name)) throw unreadable(`an object has a name twice, before character ${this.#at} of the JSON`);
      if (this.#next() !== ':') throw this.#damaged();
      this.#at += 1;
      members.set(name, this.#value(depth + 1));
    });
    return { type: 'object', text: this.#text.slice(start, this.#at), members };
  }

  #array(depth: number): Json {
    const start = this.#at;
    const items: Json[] = [];
    this.#each(']', () => {
      items.push(this.#value(depth + 1));
    });
    return { type: 'array', text: this.#text.slice(start, this.#at), items };
  }

  /** What stands between an opening bracket and `closing`, separated by commas. */
  #each(closing: string, read: () => void): void {
    this.#at += 1;
    if (this.#next() !== closing) {
      read();
      while (this.#next() === ',') {
        this.#at += 1;
        read();
      }
      if (this.#next() !== closing) throw this.#damaged();
    }
    this.#at += 1;
  }

  #string(): string {
    const start = this.#at;
    let at = start + 1;
    let isPlain = true;
    for (let code = this.#text.charCodeAt(at); code !== QUOTE; code = this.#text.charCodeAt(at)) {
      // NaN behind the end.
      if (!(code >= FIRST_PRINTABLE)) throw this.#damaged();
      if (code === BACKSLASH) isPlain = false;
      at += code === BACKSLASH ? 2 : 1;
    }
    this.#at = at + 1;
    return isPlain ? this.#text.slice(start + 1, at) : this.#unescaped(start);
  }

  #unescaped(start: number): string {
    let content: unknown;
    try {
      content = JSON.parse(this.#text.slice(start, this.#at));
    } catch {
      throw this.#damaged();
    }
    if (typeof content !== 'string') throw this.#damaged();
    if (!content.isWellFormed()) throw unreadable('a string of the JSON holds half a surrogate pair');
    return content;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) throw this.#damaged();
    this.#at += found.length;
    return found;
  }

  /** The next character that is no space; undefined at the end. */
  #next(): string | undefined {
    if (this.#text.charCodeAt(this.#at) <= FIRST_PRINTABLE) this.#match(SPACE);
    return this.#text[this.#at];
  }

  #damaged(): KeyferryError {
    return unreadable(`the JSON is damaged at character ${this.#at}`);
  }
}

const unreadable = (what: string): KeyferryError => new KeyferryError('KF_RECORD_UNREADABLE', what);
