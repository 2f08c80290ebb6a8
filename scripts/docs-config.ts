/** Writes docs/configuration.md from the schema: npm run docs:config. */
import { writeFileSync } from 'node:fs';
import { MAIN } from '../src/config/schema.ts';
import {
  type Path,
  type Section,
  type Setting,
  environmentName,
  isElements,
  isSetting,
  pathName,
} from '../src/config/setting.ts';

const INTRODUCTION = `# Configuration

Generated from \`src/config/schema.ts\` by \`npm run docs:config\`: do not edit it here.

One YAML file, named by \`--config FILE\` or \`KEYFERRY_CONFIG\`. Examples stand in [config/](../config).
\`keyferry config\` prints what is in effect, passwords hidden; \`keyferry check\` tries it on the servers.

- **References.** In any value, \`\${VAR}\` is filled from the environment, and \`\${VAR:-default}\` too, where the default stands in
  for an unset or empty variable. \`$\${\` gives the characters \`\${\`. Inside \`[ ]\` and \`{ }\`, YAML wants quotes: \`"\${VAR}"\`.
- **Environment.** Each key has a variable of its own, which wins over the file; an empty one counts as unset. Lists are written
  with commas between the items. The elements of \`sources\` and \`sinks\` are counted from 0:
  \`KEYFERRY_SOURCES_0_TOPIC\`, \`KEYFERRY_SOURCES_1_TOPIC\`. Elements themselves stand in the file.
- **Secrets.** A password may stand in the URL, in a key of its own, or in a file (\`passwordFile\`): in one of them.
- **Mistakes.** An unknown key is an error, as is a wrong type; all are told at once, with file and line. Exit status 2.
- **Durations** are written \`250ms\`, \`30s\`, \`5m\`, \`1h\`, \`7d\`, up to 24 days, the life of
  a key up to 3,650; 0 where the table says what it means.
`;

const code = (text: string): string => `\`${text}\``;
const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/(?<![`\\])\*/g, '\\*');

/** Aligned, as the formatter wants it. */
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[], fill = ' '): string =>
    `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0, fill)).join(' | ')} |`;
  return [
    line(head),
    line(
      head.map(() => ''),
      '-',
    ),
    ...rows.map((row) => line(row)),
  ].join('\n');
};

const defaultOf = ({ required, fallback }: Setting<unknown>): string => {
  if (required) return 'required';
  if (fallback === null) return '';
  return code(fallback === '' ? '[]' : fallback);
};

const rowsOf = (section: Section, path: Path): string[][] =>
  Object.entries(section).flatMap(([key, node]) => {
    const childPath = [...path, key];
    const name = code(pathName(childPath.slice(typeof path[1] === 'number' ? 2 : 1)).replaceAll('[0]', '[]'));
    if (isElements(node)) {
      const [section = {}] = Object.values(node.sections);
      return rowsOf(section, [...childPath, 0]);
    }
    if (!isSetting(node)) return rowsOf(node, childPath);
    return [[name, cell(node.type), defaultOf(node), code(environmentName(childPath)), cell(node.doc)]];
  });

/** Keys that stand in every section of a list come first, then those of each one. */
const chaptersOf = (key: string, node: Section[string]): readonly string[] => {
  if (!isElements(node)) return [chapter(`## ${code(key)}`, rowsOf(node as Section, [key]))];
  const sections = Object.entries(node.sections);
  const rows = sections.map(([name, section]) => ({ name, rows: rowsOf(section, [key, 0]) }));
  const isCommon = (row: readonly string[]): boolean =>
    rows.every((each) => each.rows.some((other) => other.join() === row.join()));
  const common = rows[0]?.rows.filter(isCommon) ?? [];
  const own = new Map<string, { readonly names: string[]; readonly rows: string[][] }>();
  for (const each of rows) {
    const special = each.rows.filter((row) => !isCommon(row));
    const same = own.get(special.join());
    if (same === undefined) own.set(special.join(), { names: [each.name], rows: special });
    else same.names.push(each.name);
  }
  const titled = [...own.values()].filter((each) => each.rows.length > 0);
  return [
    chapter(`## ${code(key)}: a list, each element with`, common),
    ...titled.map((each) =>
      chapter(`### with ${each.names.map((name) => code(`${node.by ?? ''}: ${name}`)).join(' or ')}`, each.rows),
    ),
  ];
};

const chapter = (title: string, rows: readonly (readonly string[])[]): string =>
  `${title}\n\n${table(['Key', 'Type', 'Default', 'Environment', 'Meaning'], rows)}\n`;

export const configurationDocument = (): string =>
  [INTRODUCTION, ...Object.entries(MAIN).flatMap(([key, node]) => chaptersOf(key, node))].join('\n');

if (import.meta.main) writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationDocument());
