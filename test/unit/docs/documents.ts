import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromMarkdown } from 'mdast-util-from-markdown';
import type { Root } from 'mdast';

export const ROOT = join(import.meta.dirname, '../../..');

export interface Document {
  /** From the root of the repository. */
  readonly path: string;
  readonly tree: Root;
}

/** Every Markdown document of the repository. */
export const documents: readonly Document[] = globSync('**/*.md', {
  cwd: ROOT,
  exclude: (path) => /(^|\/)(node_modules|dist|\.[^/]+)$/.test(path),
})
  .toSorted()
  .map((path) => ({ path, tree: fromMarkdown(readFileSync(join(ROOT, path))) }));
