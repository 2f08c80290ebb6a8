import { readFileSync } from 'node:fs';

const DOCUMENT = new URL('../../docs/operations.md', import.meta.url);

/** Rules of ACL SETUSER. */
export interface DocumentedRules {
  readonly rules: readonly string[];
  /** Those that not every server knows. */
  readonly newer: readonly string[];
}

/**
 * The rules that docs/operations.md lists for features, with the names of a test in the place of `<key>` and `<db>`; a
 * rule that has several values comes once for each.
 */
export const rulesIn = (
  features: readonly string[],
  names: Readonly<Record<string, readonly string[]>> = {},
): DocumentedRules => {
  const listed = features.map(linesOf);
  const words = (lines: readonly string[]): readonly string[] => [
    ...new Set(lines.flatMap((line) => line.trim().split(' ')).flatMap((word) => filled(word, names))),
  ];
  return {
    rules: words(listed.flatMap((lines) => lines.filter((line) => !line.includes(': ')))),
    newer: words(listed.flatMap((lines) => lines.flatMap((line) => line.split(': ')[1] ?? []))),
  };
};

const linesOf = (feature: string): readonly string[] => {
  const lines = readFileSync(DOCUMENT, 'utf8').split('\n');
  const after = lines.slice(lines.indexOf(feature) + 1);
  const end = after.findIndex((line) => !line.startsWith('  '));
  if (!lines.includes(feature) || end < 1) throw new Error(`docs/operations.md lists no rules for: ${feature}`);
  return after.slice(0, end);
};

const filled = (word: string, names: Readonly<Record<string, readonly string[]>>): readonly string[] => {
  const [, name] = /<(\w+)>/.exec(word) ?? [];
  return name === undefined ? [word] : (names[name] ?? []).map((value) => word.replace(`<${name}>`, value));
};
