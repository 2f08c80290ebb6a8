import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

import { KeyferryError } from '../../../core/errors.ts';
import type { Exchange } from './exchange.ts';

export type ScramHash = 'sha256' | 'sha512';

export interface ScramOptions {
  readonly hash: ScramHash;
  readonly username: string;
  readonly password: string;
  /** Ours, never used before: printable, without a comma. */
  readonly nonce: string;
}

const HASH_BYTES: Readonly<Record<ScramHash, number>> = { sha256: 32, sha512: 64 };
/** RFC 7677: fewer would help somebody who plays the broker to guess the password. */
const MIN_ITERATIONS = 4_096;
const NO_CHANNEL_BINDING = 'n,,';

/** RFC 5802, both ways: the broker proves that it knows the password's salted hash, too. */
export const authenticateScram = async (options: ScramOptions, exchange: Exchange): Promise<void> => {
  const { hash, username, password, nonce } = options;
  const first = `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
  const serverFirst = (await exchange(Buffer.from(`${NO_CHANNEL_BINDING}${first}`))).toString();
  const { r: bothNonces = '', s: salt = '', i: iterations = '' } = attributes(serverFirst);
  if (!bothNonces.startsWith(nonce)) throw refused('answered somebody else (its nonce does not begin with ours)');
  if (!(Number(iterations) >= MIN_ITERATIONS)) {
    throw refused(
      `wants ${iterations || 'no'} iterations, fewer than ${MIN_ITERATIONS}: create the user anew with more`,
    );
  }
  const final = `c=${Buffer.from(NO_CHANNEL_BINDING).toString('base64')},r=${bothNonces}`;
  const signed = `${first},${serverFirst},${final}`;
  const salted = await derive(password, Buffer.from(salt, 'base64'), Number(iterations), HASH_BYTES[hash], hash);
  const hmac = (key: Buffer, text: string): Buffer => createHmac(hash, key).update(text).digest();
  const clientKey = hmac(salted, 'Client Key');
  const signature = hmac(createHash(hash).update(clientKey).digest(), signed);
  const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0)));
  const serverFinal = await exchange(Buffer.from(`${final},p=${proof.toString('base64')}`));
  const { v: verifier = '', e: trouble } = attributes(serverFinal.toString());
  if (trouble !== undefined) throw refused(`says ${trouble}: correct user or password`);
  if (!isEqual(Buffer.from(verifier, 'base64'), hmac(hmac(salted, 'Server Key'), signed)))
    throw refused('does not know the password: it is not the broker that it claims to be');
};

const derive = promisify(pbkdf2);

/** `r=...,s=...,i=4096`; a value may hold further "=". */
const attributes = (message: string): Readonly<Record<string, string>> =>
  Object.fromEntries(message.split(',').map((part) => [part.slice(0, 1), part.slice(2)]));

const isEqual = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b);

const refused = (what: string): KeyferryError => new KeyferryError('KF_KAFKA_AUTH', `SCRAM: the broker ${what}`);
