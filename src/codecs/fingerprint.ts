import { xxh3 } from '@node-rs/xxhash';

/**
 * 64 bits of xxh3 over a record's value, seeded with the expiry, which a dump does not hold itself. Everything comes
 * from the record alone, so a lost state store is rebuilt from the topic.
 *
 * @param expireAt the record's kf-expire-at, Unix ms; undefined where the key does not expire.
 */
export const fingerprintOf = (value: Buffer, expireAt: number | undefined): bigint =>
  expireAt === undefined ? xxh3.xxh64(value) : xxh3.xxh64(value, BigInt(expireAt));
