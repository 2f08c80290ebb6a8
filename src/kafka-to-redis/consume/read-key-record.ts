import { decodeState } from '../../codecs/key-record.ts';
import { readKeyRecordHeaders } from '../../codecs/record-headers.ts';
import { KeyferryError } from '../../core/errors.ts';
import { replacementOf } from '../apply/replacement.ts';
import type { ReadRecord } from './apply-batch.ts';

/** Keyferry's own records: the key is the Redis key, the value its state. */
export const readKeyRecord: ReadRecord = ({ key, value, headers }) => {
  if (key === null) throw new KeyferryError('KF_RECORD_UNREADABLE', 'the record has no key');
  return {
    key,
    replacement: () => (value === null ? undefined : replacementOf(decodeState(value, readKeyRecordHeaders(headers)))),
  };
};
