import { KeyferryError } from '../../core/errors.ts';

/** An entry, and the stream that it stands in. */
export interface KeyedEntry {
  /** The stream's name. */
  readonly stream: Buffer;
  readonly id: string;
  /** Alternates field, value. */
  readonly fields: readonly Buffer[];
}

/** The key of an entry's record. @throws KF_RECORD_KEY_MISSING that names the field */
export type RecordKey = (entry: KeyedEntry) => Buffer;

const PLACEHOLDER = /(\{[^{}]*\})/;

/**
 * A template of record keys: `{key}` the stream's name, `{id}` the entry's ID, `{field:customer}` the first value of a
 * field, anything else as it stands. Bytes stay as they are.
 * @throws KF_CONFIG_INVALID for a placeholder that is none of these.
 */
export const parseRecordKey = (template: string): RecordKey => {
  const parts = template
    .split(PLACEHOLDER)
    .filter((part) => part !== '')
    .map(partOf);
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  return (entry) => Buffer.concat(parts.map((part) => part(entry)));
};

const partOf = (part: string): RecordKey => {
  if (!part.startsWith('{') || !part.endsWith('}')) {
    const text = Buffer.from(part);
    return () => text;
  }
  const name = part.slice(1, -1);
  if (name === 'key') return ({ stream }) => stream;
  if (name === 'id') return ({ id }) => Buffer.from(id, 'latin1');
  const [, field] = /^field:(.+)$/s.exec(name) ?? [];
  if (field === undefined) {
    throw new KeyferryError('KF_CONFIG_INVALID', `recordKey has the unknown placeholder ${part}`);
  }
  return fieldOf(Buffer.from(field));
};

const fieldOf = (name: Buffer): RecordKey => {
  return ({ fields }) => {
    for (let at = 0; at + 1 < fields.length; at += 2) {
      const value = fields[at + 1];
      if (value !== undefined && fields[at]?.equals(name) === true) return value;
    }
    throw new KeyferryError('KF_RECORD_KEY_MISSING', `the entry has no field ${JSON.stringify(String(name))}`);
  };
};
