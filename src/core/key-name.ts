/**
 * A Redis key inside the process: its bytes as a latin1 string, one character a byte. Any key survives the round trip,
 * it hashes and compares fast as a Map key, and takes one byte of heap per byte.
 */
export type KeyName = string & { readonly __keyName: never };

export const keyName = (bytes: Buffer): KeyName => bytes.toString('latin1') as KeyName;
export const keyBytes = (name: KeyName): Buffer => Buffer.from(name, 'latin1');

/** Keys that Keyferry itself writes to a watched Redis (canary, origin id). They never reach a topic. */
export const RESERVED_PREFIX = '__keyferry__:';
export const isReserved = (name: KeyName): boolean => name.startsWith(RESERVED_PREFIX);
