import { isUtf8 } from 'node:buffer';
import type { RestReply } from './reply.ts';

export type Encoding = 'text' | 'base64';

const OK = Buffer.from('OK');

/** Whether all of it can travel as the text of JSON. */
export const isText = (reply: RestReply): boolean => {
  if (Buffer.isBuffer(reply)) return isUtf8(reply);
  return Array.isArray(reply) ? (reply as readonly RestReply[]).every(isText) : true;
};

/** `{"result":...}`, or `{"error":"..."}` where the reply is an error. */
export const renderResult = (reply: RestReply, encoding: Encoding): string => {
  if (reply instanceof Error) return renderError(reply.message);
  // The protocol's own exception: clients know OK undecoded, and no base64 looks like it.
  const isOk = Buffer.isBuffer(reply) && reply.equals(OK);
  return `{"result":${isOk ? '"OK"' : renderValue(reply, encoding)}}`;
};

export const renderError = (message: string): string => `{"error":${JSON.stringify(message)}}`;

const renderValue = (reply: RestReply, encoding: Encoding): string => {
  if (reply === null) return 'null';
  if (reply instanceof Error) return renderError(reply.message);
  if (Buffer.isBuffer(reply)) return renderBytes(reply, encoding);
  if (typeof reply === 'string') return renderInteger(reply, encoding);
  return `[${reply.map((item) => renderValue(item, encoding)).join(',')}]`;
};

const renderBytes = (bytes: Buffer, encoding: Encoding): string =>
  encoding === 'base64' ? `"${bytes.toString('base64')}"` : JSON.stringify(bytes.toString());

/** What JSON readers would round travels as a string. */
const renderInteger = (digits: string, encoding: Encoding): string =>
  Number.isSafeInteger(Number(digits)) ? digits : renderBytes(Buffer.from(digits), encoding);
