import convict from 'convict';
import type { ConfigDocument, Tree } from './document.ts';
import { messageOf } from '../core/errors.ts';
import type { Environment } from './interpolate.ts';
import { type Path, type Section, type ValuesOf, environmentName, isSetting, ownNodes } from './setting.ts';

/** What a section is read from. */
export interface From {
  readonly document: ConfigDocument;
  readonly environment: Environment;
}

type ConvictSchema = Record<string, unknown>;

const convictSchema = (section: Section, path: Path): ConvictSchema => {
  const schema: ConvictSchema = {};
  for (const [key, node] of ownNodes(section)) {
    const childPath = [...path, key];
    schema[key] = isSetting(node)
      ? {
          default: node.fallback,
          doc: node.doc,
          env: environmentName(childPath),
          sensitive: node.secret,
          // Values stay as they were written until all are known to be right; `parsed` turns them into what they mean.
          format: (raw: unknown) => {
            node.parse(raw);
          },
        }
      : convictSchema(node, childPath);
  }
  return schema;
};

const parsed = (section: Section, raw: Tree): Tree =>
  Object.fromEntries(
    ownNodes(section).map(([key, node]) => [
      key,
      isSetting(node) ? node.parse(raw[key]) : parsed(node, raw[key] as Tree),
    ]),
  );

/**
 * One section through convict: defaults, then the file, then the environment; convict knows only a fixed tree, so an
 * element of a list is a section by itself.
 * @returns undefined where something in it is wrong, which is then among the document's problems.
 */
export const readSection = <S extends Section>(
  section: S,
  value: unknown,
  path: Path,
  from: From,
  elsewhere?: (key: string) => string | undefined,
): ValuesOf<S> | undefined => {
  const { document, environment } = from;
  const problemsBefore = document.problems.lines.length;
  const schema = convictSchema(section, path) as convict.Schema<Tree>;
  const config = convict(schema, { env: { ...environment }, args: [] });
  config.load(document.tree(section, value, path, elsewhere));
  try {
    config.validate({ allowed: 'strict' });
  } catch (error) {
    for (const line of messageOf(error).split('\n')) {
      const [key = '', ...what] = line.split(': ');
      const keyPath = [...path, ...key.split('.')];
      const variable = environmentName(keyPath);
      const place = environment[variable] === undefined ? document.place(keyPath) : variable;
      document.problems.add(place, keyPath, what.join(': '));
    }
  }
  if (document.problems.lines.length > problemsBefore) return undefined;
  return parsed(section, config.getProperties()) as unknown as ValuesOf<S>;
};
