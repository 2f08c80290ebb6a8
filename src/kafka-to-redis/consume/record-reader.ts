import type { AppendOptions, ReadAddition } from '../append/append-batch.ts';
import type { ReadRecord } from './apply-batch.ts';

/** How a sink reads its records: each replaces a key, or adds something to one. */
export type RecordReader =
  | { readonly effect: 'replace'; readonly read: ReadRecord }
  | { readonly effect: 'append'; readonly read: ReadAddition; readonly options: AppendOptions };
