import { KeyferryError } from '../../core/errors.ts';
import { flatten } from './flatten.ts';
import type { AppendedType } from './plain-options.ts';
import type { PlainFormat, PlainRecord } from './plain-record.ts';

/** Lua cannot hand more values than this to one command. */
const MAX_ENTRY_TEXTS = 7_900;
const VALUE_FIELD = Buffer.from('value');

/**
 * What a record adds: the one item of a list, or the fields and values of a stream's entry, alternating.
 * @throws KF_RECORD_UNREADABLE where its value is none that an entry can be made of
 */
export const appendedValues = (
  record: PlainRecord,
  { as, format }: { readonly as: AppendedType; readonly format: PlainFormat },
): readonly Buffer[] => {
  if (as === 'list') return [record.text];
  return format === 'string' ? [VALUE_FIELD, record.text] : entryOf(record);
};

const entryOf = ({ json }: PlainRecord): readonly Buffer[] => {
  if (json.type !== 'object') throw unreadable('an entry of a stream is made of a JSON object, and this is none');
  const fields = flatten(json);
  if (fields.length === 0) throw unreadable('the JSON object has no field, and an entry of a stream needs one');
  if (fields.length > MAX_ENTRY_TEXTS) throw unreadable(`an entry of a stream has ${fields.length} fields and values`);
  return fields;
};

const unreadable = (what: string): KeyferryError => new KeyferryError('KF_RECORD_UNREADABLE', what);
