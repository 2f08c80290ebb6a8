import { type Json, compactText } from './json-text.ts';

/**
 * The members of an object as fields and values, alternating. A member of a member is named by its path, joined by dots;
 * a dot or backslash of a name has a backslash before it, so that two paths never share a field. Arrays, and objects
 * without members, are values, as JSON text. A null is no field.
 */
export const flatten = (object: Extract<Json, { readonly type: 'object' }>): readonly Buffer[] => {
  const fields: Buffer[] = [];
  collect(object.members, '', fields);
  return fields;
};

const collect = (members: ReadonlyMap<string, Json>, prefix: string, fields: Buffer[]): void => {
  for (const [name, value] of members) {
    const field = prefix + name.replace(/[.\\]/g, '\\$&');
    if (value.type === 'object' && value.members.size > 0) collect(value.members, `${field}.`, fields);
    else if (value.type !== 'null') fields.push(Buffer.from(field), Buffer.from(compactText(value)));
  }
};
