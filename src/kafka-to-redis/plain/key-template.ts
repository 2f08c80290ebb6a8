import { KeyferryError } from '../../core/errors.ts';
import type { PlainRecord } from './plain-record.ts';

/** One piece of a key, for a record. */
type Piece = (record: PlainRecord) => Buffer;

export interface KeyTemplate {
  /** It reaches into a JSON value. */
  readonly usesPaths: boolean;
  /** @throws KF_RECORD_UNREADABLE where the record lacks what the template names */
  readonly keyOf: Piece;
}

/** `{{` and `}}` stand for braces: a hash tag around the key is `{{{key}}}`. */
const TOKEN = /\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+/g;

/**
 * A Redis key with what differs by record in braces: `{key}` and `{header.NAME}` as the bytes that they are, `{topic}`,
 * `{partition}`, `{offset}`, `{value}`, and of a JSON value `{value.PATH}`: names and positions in arrays, separated by
 * dots; `\` before a dot that is part of a name.
 * @throws KF_CONFIG_INVALID
 */
export const parseKeyTemplate = (template: string): KeyTemplate => {
  const pieces: Piece[] = [];
  let literal = '';
  let usesPaths = false;
  const endLiteral = (): void => {
    const bytes = Buffer.from(literal);
    if (literal !== '') pieces.push(() => bytes);
    literal = '';
  };
  for (const [token, name] of template.matchAll(TOKEN)) {
    if (name === undefined) literal += literalOf(token, template);
    else {
      endLiteral();
      usesPaths ||= name.startsWith(VALUE_PATH);
      pieces.push(pieceOf(name, template));
    }
  }
  endLiteral();
  return { usesPaths, keyOf: joined(pieces) };
};

const joined = (pieces: readonly Piece[]): Piece => {
  const [only] = pieces;
  if (only !== undefined && pieces.length === 1) return only;
  return (record) => Buffer.concat(pieces.map((piece) => piece(record)));
};

const literalOf = (token: string, template: string): string => {
  if (token === '{' || token === '}') throw invalid(template, `has a lone "${token}": write "${token}${token}"`);
  return token === '{{' || token === '}}' ? token.slice(1) : token;
};

const VALUE_PATH = 'value.';
const HEADER = 'header.';

const pieceOf = (name: string, template: string): Piece => {
  if (name.startsWith(VALUE_PATH)) {
    const path = pathOf(name.slice(VALUE_PATH.length));
    if (path.includes('')) throw invalid(template, `has an empty name in {${name}}`);
    return (record) => record.scalarAt(path);
  }
  if (name.startsWith(HEADER)) return headerPiece(name.slice(HEADER.length));
  switch (name) {
    case 'key':
      return keyPiece;
    case 'value':
      return (record) => record.scalarAt([]);
    case 'topic':
      return ({ place }) => Buffer.from(place.topic);
    case 'partition':
      return ({ place }) => Buffer.from(String(place.partition));
    case 'offset':
      return ({ record }) => Buffer.from(String(record.offset));
    default:
      throw invalid(template, `has the unknown placeholder {${name}}`);
  }
};

const keyPiece: Piece = ({ record: { key } }) => {
  if (key === null) throw new KeyferryError('KF_RECORD_UNREADABLE', 'the record has no key');
  return key;
};

const headerPiece =
  (name: string): Piece =>
  ({ record: { headers } }) => {
    const bytes = headers.get(name);
    if (bytes === undefined) throw new KeyferryError('KF_RECORD_UNREADABLE', `the header ${name} is missing`);
    return bytes;
  };

/** Splits at each dot that has no backslash before it, as flatten joins. */
const pathOf = (path: string): readonly string[] => {
  const names: string[] = [];
  let name = '';
  for (const [token] of path.matchAll(/\\?[^]/g)) {
    if (token === '.') {
      names.push(name);
      name = '';
    } else name += token.length === 1 ? token : token.slice(1);
  }
  return [...names, name];
};

const invalid = (template: string, what: string): KeyferryError =>
  new KeyferryError('KF_CONFIG_INVALID', `the key template ${JSON.stringify(template)} ${what}`);
