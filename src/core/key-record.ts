/** Why a key record was written. `set`: the key holds a value; the others are tombstones. */
export type KeyOp = 'set' | 'del' | 'expired' | 'evicted' | 'flushed';
export type GoneOp = Exclude<KeyOp, 'set'>;

/** Header names of a key record (contract). All values are UTF-8 text. */
export const HEADER = {
  op: 'kf-op',
  type: 'kf-type',
  db: 'kf-db',
  /** Unix ms at which the change was seen. */
  ts: 'kf-ts',
  /** The id of the Redis deployment that the state was read from. */
  origin: 'kf-origin',
  /** Unix ms; only where the key expires. */
  expireAt: 'kf-expire-at',
  version: 'kf-v',
} as const;

export const RECORD_VERSION = '1';

export type RecordFormat = 'json' | 'dump';
