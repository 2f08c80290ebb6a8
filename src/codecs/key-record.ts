import { KeyferryError } from '../core/errors.ts';
import type { RecordFormat } from '../core/key-record.ts';
import type { KeyState } from '../core/key-state.ts';
import { decodeJsonState } from './json-decode.ts';
import { encodeJsonState } from './json-encode.ts';

/** No DUMP payload begins with it: the first byte there is an RDB type, a small number. */
const JSON_OPENS = 0x7b;
/** The type, two bytes of RDB version, eight of checksum. */
const SHORTEST_DUMP_BYTES = 11;

/**
 * The value of a set record. The format only says how a DUMP payload travels: `dump`, as the value itself, its type and
 * expiry in the headers; `json`, as base64 inside JSON. Every other state, an omitted one too, is JSON in both.
 */
export const encodeState = (state: KeyState, format: RecordFormat): Buffer =>
  format === 'dump' && state.value.type === 'dump' ? state.value.payload : encodeJsonState(state);

/**
 * The state in the value of a set record, of either format.
 * @param headers of the same record (readKeyRecordHeaders).
 * @throws KF_RECORD_UNREADABLE with what is wrong.
 */
export const decodeState = (
  value: Buffer,
  headers: { readonly redisType: string; readonly expireAt: number | undefined },
): KeyState => {
  if (value[0] === JSON_OPENS) return decodeJsonState(value);
  if (value.length < SHORTEST_DUMP_BYTES) {
    throw new KeyferryError('KF_RECORD_UNREADABLE', 'the value is neither a JSON object nor a DUMP payload');
  }
  return { value: { type: 'dump', redisType: headers.redisType, payload: value }, expireAt: headers.expireAt };
};
