import { stringify } from 'yaml';
import type { AppConfig } from './app-config.ts';
import { redactedUrl } from './redis-config.ts';
import { MAIN } from './schema.ts';
import { type Elements, type Section, isElements, isSetting } from './setting.ts';

type Values = Readonly<Record<string, unknown>>;

/** The effective configuration as YAML, in the words of the file; secrets are hidden. */
export const printConfig = (config: AppConfig): string => stringify(shown(MAIN, config));

const shown = (section: Section, values: Values): Values =>
  Object.fromEntries(
    Object.entries(section)
      .filter(([key]) => values[key] !== undefined)
      .map(([key, node]) => [key, shownNode(node, values[key])]),
  );

const shownNode = (node: Section[string], value: unknown): unknown => {
  if (isElements(node)) return (value as readonly Values[]).map((element) => shown(sectionOf(node, element), element));
  if (!isSetting(node)) return shown(node, value as Values);
  if (!node.secret) return node.show(value);
  // A password may look like a URL: its setting tells what it is.
  return node.type.startsWith('URL') ? redactedUrl(String(value)) : HIDDEN;
};

const HIDDEN = '***';

const sectionOf = ({ by, sections }: Elements, element: Values): Section => {
  const [first = ''] = Object.keys(sections);
  return sections[by === undefined ? first : String(element[by])] ?? {};
};
