import { redisTypeOf } from '../../core/key-state.ts';
import type { KeyState } from '../../core/key-state.ts';
import type { GoneOp, RecordFormat } from '../../core/key-record.ts';
import type { PublishedState } from '../../state-store/published-states.ts';
import { encodeState } from '../../codecs/key-record.ts';
import { fingerprintOf } from '../../codecs/fingerprint.ts';
import type { Touch } from './pending-keys.ts';

/**
 * What one key's state asks for. The state itself is not part of it: thousands of changes wait for Kafka, and would keep
 * Redis' replies in memory meanwhile.
 */
export type Change =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'set'; readonly bytes: Buffer; readonly published: PublishedState; readonly isOmitted: boolean }
  | { readonly kind: 'gone'; readonly op: GoneOp; readonly known: PublishedState };

const UNCHANGED: Change = { kind: 'unchanged' };

/** The state as it may travel: left out where its encoding exceeds the limit. */
export const encodeWithin = (
  state: KeyState,
  format: RecordFormat,
  maxValueBytes: number,
): { readonly state: KeyState; readonly bytes: Buffer } => {
  const bytes = encodeState(state, format);
  if (bytes.length <= maxValueBytes || state.value.type === 'omitted') return { state, bytes };
  const omitted = omit(state, bytes.length);
  return { state: omitted, bytes: encodeState(omitted, format) };
};

/** The same state with its value left out. */
export const omit = (state: KeyState, bytes: number): KeyState => ({
  value: { type: 'omitted', redisType: redisTypeOf(state.value), bytes },
  expireAt: state.expireAt,
});

/**
 * Compares what Redis holds with what the topic holds.
 * @param found undefined where the key is gone.
 * @param known undefined where the topic has no state of the key.
 */
export const detectChange = (options: {
  readonly found: KeyState | undefined;
  readonly known: PublishedState | undefined;
  readonly touch: Touch;
  readonly format: RecordFormat;
  readonly maxValueBytes: number;
}): Change => {
  const { found, known, touch } = options;
  if (found === undefined) {
    if (known === undefined) return UNCHANGED;
    // A key that nobody saw go, past its expiry: Redis expired it while nobody watched.
    const expired = known.expireAt !== undefined && known.expireAt <= touch.seenAt && touch.goneOp === 'del';
    return { kind: 'gone', op: expired ? 'expired' : touch.goneOp, known };
  }
  const { state, bytes } = encodeWithin(found, options.format, options.maxValueBytes);
  const fingerprint = fingerprintOf(bytes, state.expireAt);
  // A value left out may have changed with its size unchanged: whoever watched the key is told each time.
  const isOmitted = state.value.type === 'omitted';
  const mustTell = touch.again === true || (isOmitted && touch.live);
  if (known?.fingerprint === fingerprint && !mustTell) return UNCHANGED;
  const published = { fingerprint, redisType: redisTypeOf(state.value), expireAt: state.expireAt };
  return { kind: 'set', bytes, published, isOmitted };
};
