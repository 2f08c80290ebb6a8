import { readFileSync } from 'node:fs';
import type { Grant } from './kafka-acls.ts';

const DOCUMENT = new URL('../../docs/kafka-security.md', import.meta.url);

/**
 * The permissions that docs/kafka-security.md lists for a feature, with the names of a test in the place of `<topic>`,
 * `<deadLetter>` and `<group>`.
 */
export const grantsIn = (feature: string, names: Readonly<Record<string, string>>): readonly Grant[] => {
  const row = readFileSync(DOCUMENT, 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`| ${feature} `));
  const grants = [...(row ?? '').matchAll(/`([A-Z][^`]* on [^`]*)`/g)].map(([, grant = '']) =>
    grant.replace(/<(\w+)>/g, (_, name: string) => names[name] ?? ''),
  );
  if (grants.length === 0) throw new Error(`docs/kafka-security.md lists no permissions for ${feature}`);
  return grants;
};
