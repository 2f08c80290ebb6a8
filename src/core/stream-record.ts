/** Header names of a stream record (contract). */
export const STREAM_HEADER = {
  /** The stream's name, raw bytes. */
  stream: 'kf-stream',
  /** The entry's ID: the same for each copy of an entry that came twice. */
  id: 'kf-id',
  /** Unix ms at which the entry was read. */
  ts: 'kf-ts',
  /** The id of the Redis deployment that the entry was read from. */
  origin: 'kf-origin',
  version: 'kf-v',
  /** `base64` where the entry holds a byte string that is not UTF-8: all names and values of the record's value are base64 then. */
  encoding: 'kf-encoding',
} as const;
