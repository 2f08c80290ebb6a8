/** One script call holds at most this much, so that it does not hold Redis up; a single larger item goes alone. */
const MAX_CALL_ITEMS = 500;
const MAX_CALL_VALUES = 5_000;
const MAX_CALL_BYTES = 1_000_000;

interface Size {
  readonly values: number;
  readonly bytes: number;
}

/** Cuts what scripts are to do into calls, in order. */
export function* intoCalls<T>(items: readonly T[], sizeOf: (item: T) => Size): Generator<readonly T[]> {
  let call: T[] = [];
  let values = 0;
  let bytes = 0;
  for (const item of items) {
    const size = sizeOf(item);
    const isFull =
      call.length >= MAX_CALL_ITEMS || values + size.values > MAX_CALL_VALUES || bytes + size.bytes > MAX_CALL_BYTES;
    if (isFull && call.length > 0) {
      yield call;
      [call, values, bytes] = [[], 0, 0];
    }
    call.push(item);
    values += size.values;
    bytes += size.bytes;
  }
  if (call.length > 0) yield call;
}
