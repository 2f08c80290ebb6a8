import { type RestReply, fieldsOf, listOf, textOf } from './reply.ts';

/** Where a command's arguments hold keys, as far as their number and places follow from the arguments alone. */
interface KeySpec {
  /** Place of the first one, or of what tells their number; the command's name has place 0. */
  readonly index: number;
  readonly keys:
    | { readonly kind: 'range'; readonly last: number; readonly step: number; readonly limit: number }
    | { readonly kind: 'count'; readonly count: number; readonly first: number; readonly step: number };
  readonly isWritten: boolean;
}

/** undefined: only the server can tell, by COMMAND GETKEYSANDFLAGS, or GETKEYS. */
export type KeySpecs = readonly KeySpec[] | undefined;

const WRITE_FLAGS = new Set(['RW', 'OW', 'RM']);

/** @param reply the key specifications of a command, as COMMAND tells them. */
export const parseKeySpecs = (reply: RestReply | undefined): KeySpecs => {
  const specs: KeySpec[] = [];
  for (const each of listOf(reply)) {
    const spec = parseKeySpec(fieldsOf(each));
    if (spec === undefined) return undefined;
    specs.push(spec);
  }
  return specs;
};

/**
 * Before Redis 7 COMMAND tells of keys no more than the places of the first and the last, and the step between them; not
 * which of them are written, so that all count as written.
 * @param last counted from the end where it is negative.
 */
export const keysByPlace = (first: number, last: number, step: number): KeySpecs => {
  if (first === 0) return [];
  const keys = { kind: 'range', last: last < 0 ? last : last - first, step, limit: 0 } as const;
  return [{ index: first, isWritten: false, keys }];
};

const parseKeySpec = (fields: ReadonlyMap<string, RestReply>): KeySpec | undefined => {
  const flags = listOf(fields.get('flags')).map(textOf);
  const begin = fieldsOf(fields.get('begin_search'));
  const find = fieldsOf(fields.get('find_keys'));
  if (flags.includes('incomplete') || textOf(begin.get('type')) !== 'index') return undefined;
  const index = Number(textOf(fieldsOf(begin.get('spec')).get('index')));
  const spec = fieldsOf(find.get('spec'));
  const number = (name: string): number => Number(textOf(spec.get(name)));
  const isWritten = flags.some((flag) => WRITE_FLAGS.has(flag));
  switch (textOf(find.get('type'))) {
    case 'range':
      return {
        index,
        isWritten,
        keys: { kind: 'range', last: number('lastkey'), step: number('keystep'), limit: number('limit') },
      };
    case 'keynum':
      return {
        index,
        isWritten,
        keys: { kind: 'count', count: number('keynumidx'), first: number('firstkey'), step: number('keystep') },
      };
    default:
      return undefined;
  }
};

/**
 * The places of the keys that a command writes, counted from 1 for its first argument. A command that writes, and says of
 * no key that it does (XREADGROUP), writes all of them.
 */
export const writtenPlaces = (specs: readonly KeySpec[], args: readonly (string | Buffer)[]): readonly number[] => {
  const written = specs.filter(({ isWritten }) => isWritten);
  return (written.length > 0 ? written : specs).flatMap((spec) => placesOf(spec, args));
};

const placesOf = ({ index, keys }: KeySpec, args: readonly (string | Buffer)[]): readonly number[] => {
  const end = args.length;
  if (keys.kind === 'count') {
    const count = Number(args[index + keys.count - 1]);
    // A count that makes no sense is Redis' to refuse.
    if (!Number.isSafeInteger(count) || count < 1) return [];
    const first = index + keys.first;
    return range(first, Math.min(first + (count - 1) * keys.step, end), keys.step);
  }
  if (keys.last >= 0) return range(index, Math.min(index + keys.last, end), keys.step);
  const share = keys.limit > 1 ? Math.floor((end - index + 1) / keys.limit) : end - index + 1;
  const last = keys.last === -1 ? index + share - 1 : end + 1 + keys.last;
  return range(index, last, keys.step);
};

const range = (first: number, last: number, step: number): readonly number[] => {
  const places: number[] = [];
  for (let place = first; place <= last; place += Math.max(step, 1)) places.push(place);
  return places;
};

/** @param reply of COMMAND GETKEYSANDFLAGS; or of GETKEYS, which tells all keys, and not which are written. */
export const writtenKeys = (reply: RestReply): readonly Buffer[] => {
  const found = listOf(reply).map((each) => {
    if (Buffer.isBuffer(each)) return { key: each, isWritten: false };
    const [key = null, flags] = listOf(each);
    const isWritten = listOf(flags).some((flag) => WRITE_FLAGS.has(textOf(flag)));
    return { key, isWritten };
  });
  const written = found.filter(({ isWritten }) => isWritten);
  return (written.length > 0 ? written : found).map(({ key }) => key).filter((key) => Buffer.isBuffer(key));
};
