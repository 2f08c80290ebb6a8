/** Header names of a list record (contract). Its value is the item, byte for byte. */
export const LIST_HEADER = {
  /** The list's name, raw bytes. */
  list: 'kf-list',
  /** Unix ms at which the item was taken. */
  ts: 'kf-ts',
  /** The id of the Redis deployment that the item was taken from. */
  origin: 'kf-origin',
  version: 'kf-v',
} as const;

/** What became of an item of a list. One that came again after a fault counts again. */
export type ListOutcome = 'published' | 'dead-lettered';
