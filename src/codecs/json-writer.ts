import { isUtf8 } from 'node:buffer';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_HIGH_BYTE = 0x80;
const SHORT_TEXT = 32;

/** The longest escape of one byte, `\u001f`. */
const ESCAPED_BYTES = 6;
const FIRST_ROOM_BYTES = 1 << 16;
/** A buffer grown beyond this for a large value is not kept. */
const KEPT_ROOM_BYTES = 1 << 20;

/** 1: the byte stands for itself inside a JSON string. */
const PLAIN = new Uint8Array(256).fill(1);
/** What JSON.stringify writes for each byte that does not. */
const ESCAPES = new Map<number, Buffer>();
for (const byte of [...Array(0x20).keys(), QUOTE, BACKSLASH]) {
  PLAIN[byte] = 0;
  ESCAPES.set(byte, Buffer.from(JSON.stringify(String.fromCharCode(byte)).slice(1, -1)));
}

/**
 * Writes JSON straight to bytes. The values are byte strings already, so going through JavaScript strings would cost
 * three conversions each: this takes a third of the time. One is used over and over, from `begin` to `end`.
 */
export class JsonWriter {
  #out = Buffer.allocUnsafeSlow(FIRST_ROOM_BYTES);
  #at = 0;
  #base64 = false;
  #isText = true;

  /** @param encoding of all byte strings up to `end`. */
  begin(encoding: 'text' | 'base64'): void {
    this.#at = 0;
    this.#base64 = encoding === 'base64';
    this.#isText = true;
  }

  get isBase64(): boolean {
    return this.#base64;
  }

  /** undefined: some byte string was not valid UTF-8, and was to be written as text. */
  end(): Buffer | undefined {
    const bytes = this.#isText ? Buffer.allocUnsafe(this.#at) : undefined;
    if (bytes !== undefined) this.#out.copy(bytes, 0, 0, this.#at);
    if (this.#out.length > KEPT_ROOM_BYTES) this.#out = Buffer.allocUnsafeSlow(FIRST_ROOM_BYTES);
    return bytes;
  }

  /** @param text JSON of our own making, ASCII. */
  raw(text: string): void {
    this.#reserve(text.length);
    const out = this.#out;
    const start = this.#at;
    if (text.length < SHORT_TEXT) for (let at = 0; at < text.length; at += 1) out[start + at] = text.charCodeAt(at);
    else out.write(text, start, 'latin1');
    this.#at = start + text.length;
  }

  /** @param json JSON as it came. */
  verbatim(json: Buffer): void {
    this.#reserve(json.length);
    this.#out.set(json, this.#at);
    this.#at += json.length;
    this.#isText &&= isUtf8(json);
  }

  /** A byte string, or a part of one, as a JSON string of the encoding begun with. */
  string(bytes: Buffer, start = 0, end = bytes.length): void {
    if (this.#base64) this.base64(bytes.subarray(start, end));
    else this.#text(bytes, start, end);
  }

  base64(bytes: Buffer): void {
    this.raw(`"${bytes.toString('base64')}"`);
  }

  #text(bytes: Buffer, start: number, end: number): void {
    this.#reserve((end - start) * ESCAPED_BYTES + 2);
    const out = this.#out;
    let at = this.#at;
    let highest = 0;
    out[at++] = QUOTE;
    for (let from = start; from < end; from += 1) {
      const byte = bytes[from] ?? 0;
      highest |= byte;
      if (PLAIN[byte] === 1) out[at++] = byte;
      else for (const escaped of ESCAPES.get(byte) ?? []) out[at++] = escaped;
    }
    out[at++] = QUOTE;
    this.#at = at;
    if (highest >= FIRST_HIGH_BYTE) this.#isText &&= isUtf8(bytes.subarray(start, end));
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#out.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#at + bytes, 2 * this.#out.length));
    grown.set(this.#out.subarray(0, this.#at));
    this.#out = grown;
  }
}
