import type { KeyState } from '../../src/core/key-state.ts';
import type { Found } from '../../src/redis-to-kafka/converge/key-source.ts';

/** The state with a hash's fields in byte order: theirs means nothing, and a decoder does not keep it. */
export const inFieldOrder = (state: KeyState): KeyState => {
  const { value } = state;
  if (value.type !== 'hash') return state;
  const { entries, fieldExpireAt } = value;
  const pairs = entries.flatMap((field, at) => {
    const fieldValue = entries[at + 1];
    return at % 2 === 1 || fieldValue === undefined ? [] : [{ field, fieldValue, expiry: fieldExpireAt?.[at / 2] }];
  });
  pairs.sort((a, b) => Buffer.compare(a.field, b.field));
  const sorted = pairs.flatMap(({ field, fieldValue }) => [field, fieldValue]);
  const expiries = fieldExpireAt && { fieldExpireAt: pairs.map(({ expiry }) => expiry) };
  return { ...state, value: { type: 'hash', entries: sorted, ...expiries } };
};

/** What was found under keys that can be read. */
export const found = (all: readonly Found[]): readonly Exclude<Found, Error>[] =>
  all.map((one) => {
    if (one instanceof Error) throw one;
    return one;
  });
